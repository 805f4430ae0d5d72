-- A store of version 1, as its program left it: a flow that ran twice, one that is only defined.
BEGIN TRANSACTION;
CREATE TABLE blob_use (reference TEXT, r INTEGER, PRIMARY KEY (reference, r)) WITHOUT ROWID;
CREATE TABLE definition (
    f INTEGER, n INTEGER, name TEXT, list INTEGER, spec INTEGER,
    PRIMARY KEY (f, n)) WITHOUT ROWID;
INSERT INTO "definition" VALUES(1,0,'a',0,0);
INSERT INTO "definition" VALUES(1,1,'b',1,1);
INSERT INTO "definition" VALUES(1,2,'c',1,2);
INSERT INTO "definition" VALUES(1,3,'d',2,3);
INSERT INTO "definition" VALUES(1,4,'e',3,4);
INSERT INTO "definition" VALUES(2,0,'a',0,0);
INSERT INTO "definition" VALUES(2,1,'b',1,1);
INSERT INTO "definition" VALUES(2,2,'c',1,2);
INSERT INTO "definition" VALUES(2,3,'d',2,3);
INSERT INTO "definition" VALUES(2,4,'e',3,4);
CREATE TABLE definition_list (
    f INTEGER, k INTEGER, names TEXT, PRIMARY KEY (f, k)) WITHOUT ROWID;
INSERT INTO "definition_list" VALUES(1,0,'[]');
INSERT INTO "definition_list" VALUES(1,1,'["a"]');
INSERT INTO "definition_list" VALUES(1,2,'["b","c"]');
INSERT INTO "definition_list" VALUES(1,3,'["d"]');
INSERT INTO "definition_list" VALUES(2,0,'[]');
INSERT INTO "definition_list" VALUES(2,1,'["a"]');
INSERT INTO "definition_list" VALUES(2,2,'["b","c"]');
INSERT INTO "definition_list" VALUES(2,3,'["d"]');
CREATE TABLE definition_spec (
    f INTEGER, k INTEGER, document TEXT, PRIMARY KEY (f, k)) WITHOUT ROWID;
INSERT INTO "definition_spec" VALUES(1,0,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"kind":"flow","cloud":"local","status":"defined","task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}}}');
INSERT INTO "definition_spec" VALUES(1,1,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}}}');
INSERT INTO "definition_spec" VALUES(1,2,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"color":"red","label":"c of {name}","entry":{"color":"red","label":"c of {name}"},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"}}}');
INSERT INTO "definition_spec" VALUES(1,3,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"c":""},"over":"c","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"}}}');
INSERT INTO "definition_spec" VALUES(1,4,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}}');
INSERT INTO "definition_spec" VALUES(2,0,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 13:44:34.153025","modified":"2026-11-24 13:44:34.153025"},"kind":"flow","cloud":"local","status":"defined","task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}}}');
INSERT INTO "definition_spec" VALUES(2,1,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 13:44:34.153025","modified":"2026-11-24 13:44:34.153025"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}}}');
INSERT INTO "definition_spec" VALUES(2,2,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 13:44:34.153025","modified":"2026-11-24 13:44:34.153025"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"color":"red","label":"c of {name}","entry":{"color":"red","label":"c of {name}"},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"}}}');
INSERT INTO "definition_spec" VALUES(2,3,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 13:44:34.153025","modified":"2026-11-24 13:44:34.153025"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"c":""},"over":"c","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"}}}');
INSERT INTO "definition_spec" VALUES(2,4,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 13:44:34.153025","modified":"2026-11-24 13:44:34.153025"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}}');
CREATE TABLE flow (
    f INTEGER PRIMARY KEY, workflow TEXT UNIQUE COLLATE NOCASE, extra TEXT);
INSERT INTO "flow" VALUES(1,'ml','{"flow":{"name":"ml","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"},"look":{"color":"red","label":"c of {name}"},"entry":{"color":"red","label":"c of {name}"}},{"parameters":[{"name":"c"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"},"over":"c"},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"c"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 13:44:33.726223","2026-11-24 13:44:33.726223"],"file":"/home/me/ml-flow.py","cls":"Flow","user":"0@laptop","mark":"bf830de5e6dce21bffe22b726f350526ec836a964dffad93255b5c15d5c8073c","edited":false}');
INSERT INTO "flow" VALUES(2,'second','{"flow":{"name":"second","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"},"look":{"color":"red","label":"c of {name}"},"entry":{"color":"red","label":"c of {name}"}},{"parameters":[{"name":"c"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"},"over":"c"},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"c"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 13:44:34.153025","2026-11-24 13:44:34.153025"],"file":"/home/me/ml-flow.py","cls":"Flow","user":"0@laptop","mark":"a3e70a85cfc9d1605f4770bf50d4c4ea207399c2162de02bdcdcc2a998c277a5","edited":false}');
CREATE TABLE journal (id INTEGER PRIMARY KEY, fence INTEGER, events TEXT);
INSERT INTO "journal" VALUES(4294967297,1,'[["run",1795527873.7689962,{"flow":{"name":"ml","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"},"look":{"color":"red","label":"c of {name}"},"entry":{"color":"red","label":"c of {name}"}},{"parameters":[{"name":"c"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"},"over":"c"},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"c"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 13:44:33.726223","2026-11-24 13:44:33.726223"],"parameters":{},"parallel":null,"file":"/home/me/ml-flow.py","cls":"Flow","engine":{"host":"laptop","pid":31107},"versions":{"cloudmesh-flow":"0.1.0","python":"3.11.7"}}]]');
INSERT INTO "journal" VALUES(4294967298,1,'[["started","a",1795527873.7882593,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967299,1,'[["finished","a",1795527873.7885337,1],
["started","b",1795527873.7885728,1,"first","local"],
["started","c",1795527873.7885728,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967300,1,'[["finished","b",1795527873.7887206,2],
["finished","c",1795527873.788734,[1,2],{"items":2}],
["started","d[0]",1795527873.7887523,1,"first","local"],
["started","d[1]",1795527873.7887523,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967301,1,'[["finished","d[0]",1795527873.7888644,2],
["finished","d[1]",1795527873.7888744,4],
["started","e",1795527873.7888799,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967302,1,'[["finished","e",1795527873.788956,{"status":"done","color":"green","label":"e","shape":"box","value":6},{"look":{"color":"green","label":"e","shape":"box"}}],
["end",1795527873.7889826,"finished"]]');
INSERT INTO "journal" VALUES(8589934593,1,'[["run",1795527873.9597104,{"flow":{"name":"ml","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"},"look":{"color":"red","label":"c of {name}"},"entry":{"color":"red","label":"c of {name}"}},{"parameters":[{"name":"c"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"},"over":"c"},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"c"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 13:44:33.726223","2026-11-24 13:44:33.726223"],"parameters":{},"parallel":null,"file":"/home/me/ml-flow.py","cls":"Flow","engine":{"host":"laptop","pid":31131},"versions":{"cloudmesh-flow":"0.1.0","python":"3.11.7"}}]]');
INSERT INTO "journal" VALUES(8589934594,1,'[["started","a",1795527873.9739323,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934595,1,'[["finished","a",1795527873.9754004,1],
["started","b",1795527873.9754436,1,"first","local"],
["started","c",1795527873.9754436,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934596,1,'[["finished","b",1795527873.9755936,2],
["finished","c",1795527873.975609,[1,2],{"items":2}],
["started","d[0]",1795527873.9756277,1,"first","local"],
["started","d[1]",1795527873.9756277,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934597,1,'[["finished","d[0]",1795527873.9757338,2],
["finished","d[1]",1795527873.9757416,4],
["started","e",1795527873.9757469,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934598,1,'[["finished","e",1795527873.975815,{"status":"done","color":"green","label":"e","shape":"box","value":6},{"look":{"color":"green","label":"e","shape":"box"}}],
["end",1795527873.9758377,"finished"]]');
CREATE TABLE list (id INTEGER PRIMARY KEY, names TEXT, numbers TEXT);
INSERT INTO "list" VALUES(4294967297,'[]','[]');
INSERT INTO "list" VALUES(4294967298,'["a"]','[0]');
INSERT INTO "list" VALUES(4294967299,'["b","c"]','[1, 2]');
INSERT INTO "list" VALUES(4294967300,'["d"]','[3]');
INSERT INTO "list" VALUES(4294967301,'["b","c"]','[1, 2]');
INSERT INTO "list" VALUES(8589934593,'[]','[]');
INSERT INTO "list" VALUES(8589934594,'["a"]','[0]');
INSERT INTO "list" VALUES(8589934595,'["b","c"]','[1, 2]');
INSERT INTO "list" VALUES(8589934596,'["d"]','[3]');
INSERT INTO "list" VALUES(8589934597,'["b","c"]','[1, 2]');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
INSERT INTO "meta" VALUES('id','8911c5221cdfb75b');
CREATE TABLE node (
    id INTEGER PRIMARY KEY, name TEXT, list INTEGER, spec INTEGER, rev INTEGER DEFAULT 0,
    status TEXT DEFAULT 'pending', attempt INTEGER DEFAULT 0, "started", "ended", "exit_code", "error", "reason", "skipped", "progress", "color", "label", "shape", "where", "result");
INSERT INTO "node" VALUES(4294967296,'a',4294967297,4294967297,6,'finished',1,'2026-11-24 13:44:33.788259','2026-11-24 13:44:33.788534',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','1');
INSERT INTO "node" VALUES(4294967297,'b',4294967298,4294967298,6,'finished',1,'2026-11-24 13:44:33.788573','2026-11-24 13:44:33.788720',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
INSERT INTO "node" VALUES(4294967298,'c',4294967298,4294967299,6,'finished',1,'2026-11-24 13:44:33.788573','2026-11-24 13:44:33.788734',0,NULL,'first',NULL,NULL,'red','c of c',NULL,'local','[1,2]');
INSERT INTO "node" VALUES(4294967299,'d',4294967299,4294967300,6,'finished',1,'2026-11-24 13:44:33.788752','2026-11-24 13:44:33.788874',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','[2,4]');
INSERT INTO "node" VALUES(4294967300,'e',4294967300,4294967301,6,'finished',1,'2026-11-24 13:44:33.788880','2026-11-24 13:44:33.788956',0,NULL,'first',NULL,NULL,'green','e','box','local','{"status":"done","color":"green","label":"e","shape":"box","value":6}');
INSERT INTO "node" VALUES(4294967301,'d[0]',4294967301,4294967302,6,'finished',1,'2026-11-24 13:44:33.788752','2026-11-24 13:44:33.788864',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
INSERT INTO "node" VALUES(4294967302,'d[1]',4294967301,4294967302,6,'finished',1,'2026-11-24 13:44:33.788752','2026-11-24 13:44:33.788874',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','4');
INSERT INTO "node" VALUES(8589934592,'a',8589934593,8589934593,6,'finished',1,'2026-11-24 13:44:33.973932','2026-11-24 13:44:33.975400',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','1');
INSERT INTO "node" VALUES(8589934593,'b',8589934594,8589934594,6,'finished',1,'2026-11-24 13:44:33.975444','2026-11-24 13:44:33.975594',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
INSERT INTO "node" VALUES(8589934594,'c',8589934594,8589934595,6,'finished',1,'2026-11-24 13:44:33.975444','2026-11-24 13:44:33.975609',0,NULL,'first',NULL,NULL,'red','c of c',NULL,'local','[1,2]');
INSERT INTO "node" VALUES(8589934595,'d',8589934595,8589934596,6,'finished',1,'2026-11-24 13:44:33.975628','2026-11-24 13:44:33.975742',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','[2,4]');
INSERT INTO "node" VALUES(8589934596,'e',8589934596,8589934597,6,'finished',1,'2026-11-24 13:44:33.975747','2026-11-24 13:44:33.975815',0,NULL,'first',NULL,NULL,'green','e','box','local','{"status":"done","color":"green","label":"e","shape":"box","value":6}');
INSERT INTO "node" VALUES(8589934597,'d[0]',8589934597,8589934598,6,'finished',1,'2026-11-24 13:44:33.975628','2026-11-24 13:44:33.975734',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
INSERT INTO "node" VALUES(8589934598,'d[1]',8589934597,8589934598,6,'finished',1,'2026-11-24 13:44:33.975628','2026-11-24 13:44:33.975742',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','4');
CREATE TABLE request (
    id INTEGER PRIMARY KEY, r INTEGER, kind TEXT, "by" TEXT, at TEXT, taken INTEGER DEFAULT 0);
CREATE TABLE run (
    r INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT UNIQUE, workflow TEXT, flow TEXT, status TEXT,
    parameters TEXT, started TEXT, ended TEXT, counts TEXT, engine TEXT, versions TEXT,
    fence INTEGER, lock TEXT);
INSERT INTO "run" VALUES(1,'pr7f0yv4','ml','a; (b || c); d*; e','finished','{}','2026-11-24 13:44:33.768996','2026-11-24 13:44:33.788983','{"pending":0,"running":0,"finished":6,"error":0}','laptop:31107','{"cloudmesh-flow":"0.1.0","python":"3.11.7"}',1,'pr7f0yv4.68b4dac1.lock');
INSERT INTO "run" VALUES(2,'b3a2l3q1','ml','a; (b || c); d*; e','finished','{}','2026-11-24 13:44:33.959710','2026-11-24 13:44:33.975838','{"pending":0,"running":0,"finished":6,"error":0}','laptop:31131','{"cloudmesh-flow":"0.1.0","python":"3.11.7"}',1,'b3a2l3q1.7d752341.lock');
CREATE TABLE spec (id INTEGER PRIMARY KEY, text TEXT);
INSERT INTO "spec" VALUES(4294967297,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}}}');
INSERT INTO "spec" VALUES(4294967298,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}}}');
INSERT INTO "spec" VALUES(4294967299,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"a":""},"color":"red","label":"c of {name}","entry":{"color":"red","label":"c of {name}"},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"}}}');
INSERT INTO "spec" VALUES(4294967300,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"c":""},"over":"c","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"}}}');
INSERT INTO "spec" VALUES(4294967301,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}}');
INSERT INTO "spec" VALUES(4294967302,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"c":""},"over":"c","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"}}}');
INSERT INTO "spec" VALUES(8589934593,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"f83ba3532321998db3ed873ab3ed96a1f7961d395906a0ba86733924d875bdb6"}}}');
INSERT INTO "spec" VALUES(8589934594,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"a1e6a7f3192824e0b5732458660de8a4b5cc8a06a1588f1d73990178d55b79a9"}}}');
INSERT INTO "spec" VALUES(8589934595,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"a":""},"color":"red","label":"c of {name}","entry":{"color":"red","label":"c of {name}"},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"e62c8cdd87555003ec7ad75c9a507a0bc90068cf842cae532c5eeb3dd7460a2f"}}}');
INSERT INTO "spec" VALUES(8589934596,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"c":""},"over":"c","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"}}}');
INSERT INTO "spec" VALUES(8589934597,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"a8a0363d82c4f977c619658905c08edab26efa75d45ea370c84418b01f37572f"}}}');
INSERT INTO "spec" VALUES(8589934598,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 13:44:33.726223","modified":"2026-11-24 13:44:33.726223"},"task":{"parameter":{"c":""},"over":"c","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"5b78210e6f32383154f8b92c3a4dd198d7eef599d9c3228340c007eec8a0b009"}}}');
CREATE INDEX run_workflow ON run (workflow, r);
CREATE INDEX request_run ON request (r);
CREATE VIEW node_documents AS
SELECT run.run || '/' || node.name AS _id, run.run AS run, node.name AS name,
    (SELECT json_group_array(needed.name)
        FROM list CROSS JOIN json_each(list.numbers) AS item
        CROSS JOIN node AS needed ON needed.id = (run.r << 32 | item.value)
        WHERE list.id = node.list AND needed.status <> 'finished') AS dependencies,
    (SELECT names FROM list WHERE list.id = node.list) AS upstream,
    node."status" AS "status", node."attempt" AS "attempt", node."started" AS "started", node."ended" AS "ended", node."exit_code" AS "exit_code", node."error" AS "error", node."reason" AS "reason", node."skipped" AS "skipped", node."progress" AS "progress", node."color" AS "color", node."label" AS "label", node."shape" AS "shape", node."where" AS "where", node."result" AS "result",
    run.workflow AS workflow, 'flow' AS kind, json_extract(spec.text, '$.cloud') AS cloud,
    json_set(json_extract(spec.text, '$.cm'), '$.name', node.name, '$.collection',
        run.workflow || CASE WHEN run.status = 'running' OR run.r = (
            SELECT max(latest.r) FROM run AS latest WHERE latest.workflow = run.workflow)
        THEN '-flow-active' ELSE '-flow-history' END) AS cm,
    json_extract(spec.text, '$.task') AS task,
    run.status = 'running' OR run.r = (
        SELECT max(latest.r) FROM run AS latest WHERE latest.workflow = run.workflow) AS active
FROM run CROSS JOIN node ON node.id BETWEEN run.r << 32 AND (run.r << 32 | 4294967295) CROSS JOIN spec ON spec.id = node.spec;
CREATE VIEW "flow-runs" AS
SELECT run, workflow, flow, status, parameters, started, ended, counts, engine, versions FROM run;
CREATE VIEW "flow-requests" AS
SELECT request.id AS id, run.run AS run, kind, "by", at, taken FROM request JOIN run USING (r);
CREATE VIEW "ml-flow" AS
SELECT name,
    (SELECT names FROM definition_list AS l WHERE l.f = d.f AND l.k = d.list) AS dependencies,
    json_extract(document, '$.workflow') AS workflow,
    json_set(json_extract(document, '$.cm'), '$.name', name) AS cm,
    json_extract(document, '$.kind') AS kind, json_extract(document, '$.cloud') AS cloud,
    json_extract(document, '$.status') AS status, json_extract(document, '$.task') AS task
FROM definition AS d JOIN definition_spec AS s ON s.f = d.f AND s.k = d.spec
WHERE d.f = 1 ORDER BY n;
CREATE VIEW "ml-flow-active" AS
SELECT "_id", "run", "name", "status", "dependencies", "upstream", "attempt", "started", "ended", "exit_code", "error", "reason", "skipped", "progress", "color", "label", "shape", "where", "result", "workflow", "kind", "cloud", "cm", "task" FROM node_documents WHERE workflow = 'ml' AND active;
CREATE VIEW "ml-flow-history" AS
SELECT "_id", "run", "name", "status", "dependencies", "upstream", "attempt", "started", "ended", "exit_code", "error", "reason", "skipped", "progress", "color", "label", "shape", "where", "result", "workflow", "kind", "cloud", "cm", "task" FROM node_documents WHERE workflow = 'ml' AND NOT active;
CREATE VIEW "ml-flow-journal" AS
SELECT run.run AS run, journal.id & 4294967295 AS seq, journal.events AS events
FROM run CROSS JOIN journal ON journal.id BETWEEN run.r << 32 AND (run.r << 32 | 4294967295) WHERE run.workflow = 'ml';
CREATE VIEW "second-flow" AS
SELECT name,
    (SELECT names FROM definition_list AS l WHERE l.f = d.f AND l.k = d.list) AS dependencies,
    json_extract(document, '$.workflow') AS workflow,
    json_set(json_extract(document, '$.cm'), '$.name', name) AS cm,
    json_extract(document, '$.kind') AS kind, json_extract(document, '$.cloud') AS cloud,
    json_extract(document, '$.status') AS status, json_extract(document, '$.task') AS task
FROM definition AS d JOIN definition_spec AS s ON s.f = d.f AND s.k = d.spec
WHERE d.f = 2 ORDER BY n;
CREATE VIEW "second-flow-active" AS
SELECT "_id", "run", "name", "status", "dependencies", "upstream", "attempt", "started", "ended", "exit_code", "error", "reason", "skipped", "progress", "color", "label", "shape", "where", "result", "workflow", "kind", "cloud", "cm", "task" FROM node_documents WHERE workflow = 'second' AND active;
CREATE VIEW "second-flow-history" AS
SELECT "_id", "run", "name", "status", "dependencies", "upstream", "attempt", "started", "ended", "exit_code", "error", "reason", "skipped", "progress", "color", "label", "shape", "where", "result", "workflow", "kind", "cloud", "cm", "task" FROM node_documents WHERE workflow = 'second' AND NOT active;
CREATE VIEW "second-flow-journal" AS
SELECT run.run AS run, journal.id & 4294967295 AS seq, journal.events AS events
FROM run CROSS JOIN journal ON journal.id BETWEEN run.r << 32 AND (run.r << 32 | 4294967295) WHERE run.workflow = 'second';
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('run',2);
COMMIT;
