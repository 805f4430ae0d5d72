from cloudmesh.flow.WorkFlow import BaseWorkFlow


class MyFlow(BaseWorkFlow):
    def a(self):
        print("in a!")

    def b(self):
        print("in b!")

    def c(self):
        print("in c!")
