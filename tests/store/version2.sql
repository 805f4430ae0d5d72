-- A store of version 2, as its program left it: a flow that ran twice, one that is only defined.
BEGIN TRANSACTION;
CREATE TABLE blob_use (reference TEXT, r INTEGER, PRIMARY KEY (reference, r)) WITHOUT ROWID;
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
INSERT INTO "definition_spec" VALUES(1,0,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"kind":"flow","cloud":"local","status":"defined","task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}}}');
INSERT INTO "definition_spec" VALUES(1,1,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}}}');
INSERT INTO "definition_spec" VALUES(1,2,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}}}');
INSERT INTO "definition_spec" VALUES(1,3,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"b":""},"over":"b","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}}}');
INSERT INTO "definition_spec" VALUES(1,4,'{"name":"","dependencies":[],"workflow":"ml","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}}');
INSERT INTO "definition_spec" VALUES(2,0,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 20:15:10.006054","modified":"2026-11-24 20:15:10.006054"},"kind":"flow","cloud":"local","status":"defined","task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}}}');
INSERT INTO "definition_spec" VALUES(2,1,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 20:15:10.006054","modified":"2026-11-24 20:15:10.006054"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}}}');
INSERT INTO "definition_spec" VALUES(2,2,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 20:15:10.006054","modified":"2026-11-24 20:15:10.006054"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}}}');
INSERT INTO "definition_spec" VALUES(2,3,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 20:15:10.006054","modified":"2026-11-24 20:15:10.006054"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"b":""},"over":"b","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}}}');
INSERT INTO "definition_spec" VALUES(2,4,'{"name":"","dependencies":[],"workflow":"second","cm":{"kind":"flow","cloud":"local","name":"","collection":"second-flow","created":"2026-11-24 20:15:10.006054","modified":"2026-11-24 20:15:10.006054"},"kind":"flow","cloud":"local","status":"defined","task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}}');
CREATE TABLE flow (
    f INTEGER PRIMARY KEY, workflow TEXT UNIQUE COLLATE NOCASE, extra TEXT,
    nodes TEXT NOT NULL DEFAULT '[]');
INSERT INTO "flow" VALUES(1,'ml','{"flow":{"name":"ml","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}},{"parameters":[{"name":"b"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"b"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 20:15:10.000038","2026-11-24 20:15:10.000038"],"file":"/home/me/ml-flow.py","cls":"Flow","user":"0@laptop","mark":"b22bcf840b82a971b64c5ddd898ac36fe7bf32694737602d470e576ebe6ca053","edited":false}','[["a",0,0],["b",1,1],["c",1,2],["d",2,3],["e",3,4]]');
INSERT INTO "flow" VALUES(2,'second','{"flow":{"name":"second","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}},{"parameters":[{"name":"b"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"b"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 20:15:10.006054","2026-11-24 20:15:10.006054"],"file":"/home/me/ml-flow.py","cls":"Flow","user":"0@laptop","mark":"bf111586eaa6157ef39f946f5ef5176b9ad605da92bde6df171913e768d671e2","edited":false}','[["a",0,0],["b",1,1],["c",1,2],["d",2,3],["e",3,4]]');
CREATE TABLE journal (id INTEGER PRIMARY KEY, fence INTEGER, events TEXT);
INSERT INTO "journal" VALUES(4294967297,1,'[["run",1795551310.0006034,{"flow":{"name":"ml","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}},{"parameters":[{"name":"b"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"b"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 20:15:10.000038","2026-11-24 20:15:10.000038"],"parameters":{},"parallel":null,"file":"/home/me/ml-flow.py","cls":"Flow","mark":"b22bcf840b82a971b64c5ddd898ac36fe7bf32694737602d470e576ebe6ca053","engine":{"host":"laptop","pid":22463},"versions":{"cloudmesh-flow":"0.1.0","python":"3.11.7"}}]]');
INSERT INTO "journal" VALUES(4294967298,1,'[["started","a",1795551310.0014608,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967299,1,'[["finished","a",1795551310.001757,1],
["started","b",1795551310.0018094,1,"first","local"],
["started","c",1795551310.0018094,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967300,1,'[["finished","b",1795551310.001939,[1,2],{"items":2}],
["finished","c",1795551310.0019639,2],
["started","d[0]",1795551310.0019693,1,"first","local"],
["started","d[1]",1795551310.0019693,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967301,1,'[["finished","d[0]",1795551310.0020926,1],
["finished","d[1]",1795551310.0021017,2],
["started","e",1795551310.0021062,1,"first","local"]]');
INSERT INTO "journal" VALUES(4294967302,1,'[["finished","e",1795551310.002172,{"status":"done","color":"green","label":"e","shape":"box","value":3},{"look":{"color":"green","label":"e","shape":"box"}}],
["end",1795551310.0021937,"finished"]]');
INSERT INTO "journal" VALUES(8589934593,1,'[["run",1795551310.0030801,{"flow":{"name":"ml","text":["a; (b || c); d*; e"],"tasks":[{"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}},{"parameters":[{"name":"a"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}},{"parameters":[{"name":"b"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}},{"parameters":[{"name":"d"}],"code":{"file":"/home/me/ml-flow.py","cls":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}],"nodes":[["a",0,[]],["b",1,[0]],["c",2,[0]],["d",3,[1,2],"b"],["e",4,[3]]],"junctions":[],"labels":[],"parameters":{},"infrastructure":{},"pools":{}},"defined":["2026-11-24 20:15:10.000038","2026-11-24 20:15:10.000038"],"parameters":{},"parallel":null,"file":"/home/me/ml-flow.py","cls":"Flow","mark":"b22bcf840b82a971b64c5ddd898ac36fe7bf32694737602d470e576ebe6ca053","engine":{"host":"laptop","pid":22463},"versions":{"cloudmesh-flow":"0.1.0","python":"3.11.7"}}]]');
INSERT INTO "journal" VALUES(8589934594,1,'[["started","a",1795551310.0036583,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934595,1,'[["finished","a",1795551310.003797,1],
["started","b",1795551310.003833,1,"first","local"],
["started","c",1795551310.003833,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934596,1,'[["finished","b",1795551310.003939,[1,2],{"items":2}],
["finished","c",1795551310.003964,2],
["started","d[0]",1795551310.0039692,1,"first","local"],
["started","d[1]",1795551310.0039692,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934597,1,'[["finished","d[0]",1795551310.0040717,1],
["finished","d[1]",1795551310.0040815,2],
["started","e",1795551310.0040858,1,"first","local"]]');
INSERT INTO "journal" VALUES(8589934598,1,'[["finished","e",1795551310.0041275,{"status":"done","color":"green","label":"e","shape":"box","value":3},{"look":{"color":"green","label":"e","shape":"box"}}],
["end",1795551310.0041442,"finished"]]');
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
INSERT INTO "meta" VALUES('id','df1253e9d8122d39');
CREATE TABLE node (
    id INTEGER PRIMARY KEY, name TEXT, list INTEGER, spec INTEGER, rev INTEGER DEFAULT 0,
    status TEXT DEFAULT 'pending', attempt INTEGER DEFAULT 0, "started", "ended", "exit_code", "error", "reason", "skipped", "progress", "color", "label", "shape", "where", "result");
INSERT INTO "node" VALUES(4294967296,'a',4294967297,4294967297,6,'finished',1,'2026-11-24 20:15:10.001461','2026-11-24 20:15:10.001757',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','1');
INSERT INTO "node" VALUES(4294967297,'b',4294967298,4294967298,6,'finished',1,'2026-11-24 20:15:10.001809','2026-11-24 20:15:10.001939',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','[1,2]');
INSERT INTO "node" VALUES(4294967298,'c',4294967298,4294967299,6,'finished',1,'2026-11-24 20:15:10.001809','2026-11-24 20:15:10.001964',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
INSERT INTO "node" VALUES(4294967299,'d',4294967299,4294967300,6,'finished',1,'2026-11-24 20:15:10.001969','2026-11-24 20:15:10.002102',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','[1,2]');
INSERT INTO "node" VALUES(4294967300,'e',4294967300,4294967301,6,'finished',1,'2026-11-24 20:15:10.002106','2026-11-24 20:15:10.002172',0,NULL,'first',NULL,NULL,'green','e','box','local','{"status":"done","color":"green","label":"e","shape":"box","value":3}');
INSERT INTO "node" VALUES(4294967301,'d[0]',4294967301,4294967302,6,'finished',1,'2026-11-24 20:15:10.001969','2026-11-24 20:15:10.002092',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','1');
INSERT INTO "node" VALUES(4294967302,'d[1]',4294967301,4294967302,6,'finished',1,'2026-11-24 20:15:10.001969','2026-11-24 20:15:10.002102',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
INSERT INTO "node" VALUES(8589934592,'a',8589934593,8589934593,6,'finished',1,'2026-11-24 20:15:10.003658','2026-11-24 20:15:10.003797',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','1');
INSERT INTO "node" VALUES(8589934593,'b',8589934594,8589934594,6,'finished',1,'2026-11-24 20:15:10.003833','2026-11-24 20:15:10.003939',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','[1,2]');
INSERT INTO "node" VALUES(8589934594,'c',8589934594,8589934595,6,'finished',1,'2026-11-24 20:15:10.003833','2026-11-24 20:15:10.003964',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
INSERT INTO "node" VALUES(8589934595,'d',8589934595,8589934596,6,'finished',1,'2026-11-24 20:15:10.003969','2026-11-24 20:15:10.004082',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','[1,2]');
INSERT INTO "node" VALUES(8589934596,'e',8589934596,8589934597,6,'finished',1,'2026-11-24 20:15:10.004086','2026-11-24 20:15:10.004128',0,NULL,'first',NULL,NULL,'green','e','box','local','{"status":"done","color":"green","label":"e","shape":"box","value":3}');
INSERT INTO "node" VALUES(8589934597,'d[0]',8589934597,8589934598,6,'finished',1,'2026-11-24 20:15:10.003969','2026-11-24 20:15:10.004072',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','1');
INSERT INTO "node" VALUES(8589934598,'d[1]',8589934597,8589934598,6,'finished',1,'2026-11-24 20:15:10.003969','2026-11-24 20:15:10.004082',0,NULL,'first',NULL,NULL,NULL,NULL,NULL,'local','2');
CREATE TABLE request (
    id INTEGER PRIMARY KEY, r INTEGER, kind TEXT, "by" TEXT, at TEXT, taken INTEGER DEFAULT 0);
CREATE TABLE run (
    r INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT UNIQUE, workflow TEXT, flow TEXT, status TEXT,
    parameters TEXT, started TEXT, ended TEXT, counts TEXT, engine TEXT, versions TEXT,
    fence INTEGER, lock TEXT);
INSERT INTO "run" VALUES(1,'manm54lx','ml','a; (b || c); d*; e','finished','{}','2026-11-24 20:15:10.000604','2026-11-24 20:15:10.002194','{"pending":0,"running":0,"finished":6,"error":0}','laptop:22463','{"cloudmesh-flow":"0.1.0","python":"3.11.7"}',1,'manm54lx.ed9b6d1f.lock');
INSERT INTO "run" VALUES(2,'l7di5lx9','ml','a; (b || c); d*; e','finished','{}','2026-11-24 20:15:10.003080','2026-11-24 20:15:10.004144','{"pending":0,"running":0,"finished":6,"error":0}','laptop:22463','{"cloudmesh-flow":"0.1.0","python":"3.11.7"}',1,'l7di5lx9.94b6066f.lock');
CREATE TABLE spec (id INTEGER PRIMARY KEY, text TEXT);
INSERT INTO "spec" VALUES(4294967297,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}}}');
INSERT INTO "spec" VALUES(4294967298,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}}}');
INSERT INTO "spec" VALUES(4294967299,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}}}');
INSERT INTO "spec" VALUES(4294967300,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"b":""},"over":"b","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}}}');
INSERT INTO "spec" VALUES(4294967301,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}}');
INSERT INTO "spec" VALUES(4294967302,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"b":""},"over":"b","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}}}');
INSERT INTO "spec" VALUES(8589934593,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"a","sha256":"8335b2b8ef600d6f0a0306156d9d6b47229e6a9d5235a52ba0b979529cea5695"}}}');
INSERT INTO "spec" VALUES(8589934594,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"b","sha256":"7dab18d79c4166d7504e9419cef1555a3a94309b34ff7993cd09f2d28fc20260"}}}');
INSERT INTO "spec" VALUES(8589934595,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"a":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"c","sha256":"b8a4636a1293e24e4de9043a8134b5e4c2d225568075a8aed9fe9219791c2ae4"}}}');
INSERT INTO "spec" VALUES(8589934596,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"b":""},"over":"b","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}}}');
INSERT INTO "spec" VALUES(8589934597,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"d":""},"source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"e","sha256":"dd8483134987340dd4da39808d29d305d349bf6ada1a94320dc037e19648303f"}}}');
INSERT INTO "spec" VALUES(8589934598,'{"workflow":"ml","kind":"flow","cloud":"local","cm":{"kind":"flow","cloud":"local","name":"","collection":"ml-flow-active","created":"2026-11-24 20:15:10.000038","modified":"2026-11-24 20:15:10.000038"},"task":{"parameter":{"b":""},"over":"b","source":{"file":"/home/me/ml-flow.py","class":"Flow","function":"d","sha256":"1d6c33f2da4d2f1459b015088290253d8b85f49ae3b0af9eb5df32990018bd33"}}}');
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
CREATE VIEW definition AS
SELECT flow.f AS f, item.key AS n, json_extract(item.value, '$[0]') AS name,
    json_extract(item.value, '$[1]') AS list, json_extract(item.value, '$[2]') AS spec
FROM flow CROSS JOIN json_each(flow.nodes) AS item;
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
