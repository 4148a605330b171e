-- A record as the first version made it; the second participant's link is EQ4Cnogkb68lXlpRGeIWnHw9UOfgNesK
BEGIN TRANSACTION;
CREATE TABLE erasures (
	session_id TEXT NOT NULL, 
	what TEXT NOT NULL, 
	rows INTEGER NOT NULL, 
	named_utc_ns INTEGER NOT NULL, 
	PRIMARY KEY (session_id, what)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO "erasures" VALUES('5270aa0f884c42afb572a9b7f138599f','payloads',9,1700000013000000000);
CREATE TABLE events (
	schema_version INTEGER NOT NULL, 
	event_id TEXT NOT NULL, 
	idem_key TEXT NOT NULL, 
	study_id TEXT, 
	script_sha256 TEXT, 
	session_id TEXT NOT NULL, 
	participant_pseudonym TEXT, 
	seq INTEGER NOT NULL, 
	task_id TEXT, 
	attempt INTEGER, 
	page TEXT, 
	mode TEXT, 
	actor TEXT NOT NULL, 
	name TEXT NOT NULL, 
	target TEXT, 
	srv_utc_ns INTEGER NOT NULL, 
	srv_mono_ns INTEGER NOT NULL, 
	boot_id TEXT NOT NULL, 
	client_epoch_ms REAL, 
	client_perf_ms REAL, 
	client_time_origin REAL, 
	offset_ms REAL, 
	offset_err_ms REAL, 
	media_id TEXT, 
	media_ms REAL, 
	before_state_id TEXT, 
	after_state_id TEXT, 
	voids_event_id TEXT, 
	cause_event_id TEXT, 
	payload_digest TEXT NOT NULL, 
	prev_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (session_id, seq), 
	UNIQUE (session_id, idem_key), 
	UNIQUE (event_id)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO "events" VALUES(1,'092cac1e-8b4d-4fa5-b161-516e53f42220','cced28c6dc3f99c2396a5eaad732bf6b28142335892b1cd0e6af6cdb53f5ccfa','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',1,NULL,NULL,NULL,'remote','participant','session.started',NULL,1700000002000000000,2000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'1611d4990fac61f4b9c0b7959ad6a53b24f07146e6294afd62fb944a0ded0165','0000000000000000000000000000000000000000000000000000000000000000','ee388949545f64777eef270670065058d65687d36feb9f40981dab8b0af52ba7');
INSERT INTO "events" VALUES(1,'aeef8dea-c3d2-4fa7-a6d1-f4b9e60bf566','2348f998744212575d85959674f9607ab26f67708a917157472832386337c904','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',2,'word',1,NULL,'remote','participant','task.started',NULL,1700000003000000000,3000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'68b2f7c4ed9a844edc0a8e3c33502ea9040f378852f0ab3cf763c30754575d33','ee388949545f64777eef270670065058d65687d36feb9f40981dab8b0af52ba7','863834b5d9d71b18dba7b3d23e03d7d0e980617a318e21cb72d736587998b159');
INSERT INTO "events" VALUES(1,'9acc9ea2-6681-47b7-8223-ce437883bad4','2348f998744212575d85959674f9607ab26f67708a917157472832386337c904/1','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',3,'word',1,NULL,'remote','participant','stimulus.shown','7f.png',1700000003000000000,3000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'aeef8dea-c3d2-4fa7-a6d1-f4b9e60bf566','b528ddb61b4bedc0f973b5e3c11b94aa93c99e54bc977f2e70a1a6e00f7cc083','863834b5d9d71b18dba7b3d23e03d7d0e980617a318e21cb72d736587998b159','db6ea389382108a354732ddc951679ba6ecbe35b46ff1f5ccd501b7f6ced590b');
INSERT INTO "events" VALUES(1,'6726d8bd-92cd-44e6-97a5-6d8284f31bf4','2348f998744212575d85959674f9607ab26f67708a917157472832386337c904/2','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',4,'word',1,NULL,'remote','participant','model.predicted',NULL,1700000003000000000,3000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33',NULL,'aeef8dea-c3d2-4fa7-a6d1-f4b9e60bf566','80690522e4d581267c01e3ea7d181a11ff60bfff05d65b7ec9b23e51c5366c49','db6ea389382108a354732ddc951679ba6ecbe35b46ff1f5ccd501b7f6ced590b','a31a032e5330c16a01c6f9adb4e092718adce9cad5fa0809aab28280019eab34');
INSERT INTO "events" VALUES(1,'d501aded-c3f2-4b72-8fea-16032e53b1ed','067e7bfbfc77fa9a0316074c10625b49f8be1d301b970b769439ecbc909bb597','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',5,'word',1,'workspace','remote','participant','intervention.applied','component/1',1700000004000000000,4000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33','8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f',NULL,NULL,'5007ee296099c27ded5991c6bbd3181a214cdfce525bae2b99e054ac67fb16c2','a31a032e5330c16a01c6f9adb4e092718adce9cad5fa0809aab28280019eab34','69b12b0156a7ad3d30b39119c59743f706cf10ca8ada0272536f6f4f221a687b');
INSERT INTO "events" VALUES(1,'60a9312b-9d90-4068-875b-74b7eae05f67','067e7bfbfc77fa9a0316074c10625b49f8be1d301b970b769439ecbc909bb597/1','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',6,'word',1,'workspace','remote','participant','model.predicted',NULL,1700000004000000000,4000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f',NULL,'d501aded-c3f2-4b72-8fea-16032e53b1ed','c8127a100b33d71b56ae874b063cb3f849eb2bc32cd9e955a3791cf208649ec7','69b12b0156a7ad3d30b39119c59743f706cf10ca8ada0272536f6f4f221a687b','8b895b40fbc581aea3deaeffd57dfd10167969d55da4b2a1d2ee7b4b78f5871e');
INSERT INTO "events" VALUES(1,'b6f381d4-fdad-42c3-b81b-60b462d71fb9','481a8b706aa796f03fe92ba310bcf1ebf443fddd57b0c358b2774fe06f2d8bfa','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',7,'word',1,'workspace','remote','participant','intervention.undone',NULL,1700000005000000000,5000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f','48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33',NULL,NULL,'4eb157edd5c387fd6f4b444bd440dac5065994ed10d8e4445ffe45aae3e1cb38','8b895b40fbc581aea3deaeffd57dfd10167969d55da4b2a1d2ee7b4b78f5871e','3b5f5a35397c39e167cb2649ac31408118095aa2344efaa749f8d11986bb9807');
INSERT INTO "events" VALUES(1,'2b651bf7-e698-4631-b2cf-0005ee9d928f','481a8b706aa796f03fe92ba310bcf1ebf443fddd57b0c358b2774fe06f2d8bfa/1','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',8,'word',1,'workspace','remote','participant','model.predicted',NULL,1700000005000000000,5000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33',NULL,'b6f381d4-fdad-42c3-b81b-60b462d71fb9','ac0c85537ce2f556525e166518e56c9b1ccf658ce181a4b4de43a30f76408baa','3b5f5a35397c39e167cb2649ac31408118095aa2344efaa749f8d11986bb9807','4fae8997d00b3679767fc0baf62e3d940bdca48a0093f6c96afa87efcd28e58b');
INSERT INTO "events" VALUES(1,'ede08cce-2dda-4337-892f-498d220f7963','0db52f4076c082518412afd3dd3576e2cb0c63703fd7fed5e23ade60efef31d9','demo','5c','5270aa0f884c42afb572a9b7f138599f','P01',9,'word',1,NULL,'remote','participant','response.submitted','cause',1700000006000000000,6000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'b0a2db341eddce0fd9f7c8d52d4a4cd9900ae3d26b5ba5319f39cac9978f92c4','4fae8997d00b3679767fc0baf62e3d940bdca48a0093f6c96afa87efcd28e58b','d117ae11bca740712a7b655258b38f4b09a27b924f15d0fdbb98c1b25a9d40c7');
INSERT INTO "events" VALUES(1,'bdb24beb-490e-4a69-9746-4b6dd601e1fd','cced28c6dc3f99c2396a5eaad732bf6b28142335892b1cd0e6af6cdb53f5ccfa','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',1,NULL,NULL,NULL,'remote','participant','session.started',NULL,1700000008000000000,8000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'dc80346eb94e9f797c94c7a65ffa19f9d83309ffde9b70e5193bcb1869e9762c','0000000000000000000000000000000000000000000000000000000000000000','df3ebfc9c00631de96a15a8a90cd6d5792bc45dd4ee48e40d3e2a05a8e917727');
INSERT INTO "events" VALUES(1,'bf50d363-00f9-4ef9-9a3a-100add71a7fa','2348f998744212575d85959674f9607ab26f67708a917157472832386337c904','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',2,'word',1,NULL,'remote','participant','task.started',NULL,1700000009000000000,9000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'93bb94ce44e0f71e0a385ecafd995316862b57bf44f507203047cec7808ab3a3','df3ebfc9c00631de96a15a8a90cd6d5792bc45dd4ee48e40d3e2a05a8e917727','76dc62f270abae043adb1c34f00a236c5543027b640141059b6d350cac933dcd');
INSERT INTO "events" VALUES(1,'b296c31d-68fb-4cc6-b10b-648331dfc804','2348f998744212575d85959674f9607ab26f67708a917157472832386337c904/1','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',3,'word',1,NULL,'remote','participant','stimulus.shown','7f.png',1700000009000000000,9000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'bf50d363-00f9-4ef9-9a3a-100add71a7fa','f60ddeff4a71a1b06cc686df29d5e21ac050ae0d9697449399f816d47559bba8','76dc62f270abae043adb1c34f00a236c5543027b640141059b6d350cac933dcd','57a998efc139f7aa0333c770ee6eaec59c948f526b1c64f1ea34ba6410db7f42');
INSERT INTO "events" VALUES(1,'13e0eb5e-d967-4959-b47e-d87841812932','2348f998744212575d85959674f9607ab26f67708a917157472832386337c904/2','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',4,'word',1,NULL,'remote','participant','model.predicted',NULL,1700000009000000000,9000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33',NULL,'bf50d363-00f9-4ef9-9a3a-100add71a7fa','177cf0d2963af8fcfa7ec753dd58d154568d64bc2e8dde15af41d7bca3b00924','57a998efc139f7aa0333c770ee6eaec59c948f526b1c64f1ea34ba6410db7f42','6b1f33da06347526fae768b67e4ae7866d6688ddb9a6d4dc15ce63e879ed54c2');
INSERT INTO "events" VALUES(1,'a6337650-5aab-4d75-bdeb-a88b7cf0dd88','df048ba2fa075db2e17cc99348e5c0d435e7fd12c405c75901e1fe841d286af4','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',5,'word',1,'workspace','remote','participant','intervention.applied','component/1',1700000010000000000,10000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33','8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f',NULL,NULL,'3fd70ad2d0e104544e428a49585be9c2ada7fb6254d180a88a77043c3f65a65a','6b1f33da06347526fae768b67e4ae7866d6688ddb9a6d4dc15ce63e879ed54c2','d48dbb4409860e038e3b7eb8546c2b7594fdc19d3abe4d5e312ee7ea593d713a');
INSERT INTO "events" VALUES(1,'eef91609-cf32-471e-ac48-7a47f27afecb','df048ba2fa075db2e17cc99348e5c0d435e7fd12c405c75901e1fe841d286af4/1','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',6,'word',1,'workspace','remote','participant','model.predicted',NULL,1700000010000000000,10000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f',NULL,'a6337650-5aab-4d75-bdeb-a88b7cf0dd88','a7c459a99d796a014c45d9db0a5867ad993fe861fa1960cf4e2656607ae60434','d48dbb4409860e038e3b7eb8546c2b7594fdc19d3abe4d5e312ee7ea593d713a','b2b2f1312a6d418af3bd84583ce89da5f3802903ca2380785a8e5898059767a8');
INSERT INTO "events" VALUES(1,'21784a61-039a-4944-b829-6db05403c701','77b75632791483463028c7686f892232e18dbeb9e4381004204411f0dc9e9061','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',7,'word',1,'workspace','remote','participant','intervention.undone',NULL,1700000011000000000,11000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f','48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33',NULL,NULL,'6e53596852547b13c32d0db0c37f2ea94504752191e2b202670ea3050070fa07','b2b2f1312a6d418af3bd84583ce89da5f3802903ca2380785a8e5898059767a8','a3653c6ce537b69a74b4fe2acabe397618d6d317b1b7942b4d5cb2c853a66868');
INSERT INTO "events" VALUES(1,'b8fa14db-958e-4692-b7c6-1328c2f1efa7','77b75632791483463028c7686f892232e18dbeb9e4381004204411f0dc9e9061/1','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',8,'word',1,'workspace','remote','participant','model.predicted',NULL,1700000011000000000,11000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33',NULL,'21784a61-039a-4944-b829-6db05403c701','4b34a82aa4d090c92604cab7fc79a497bc46980dbede1f32645ec33dec8e7c8a','a3653c6ce537b69a74b4fe2acabe397618d6d317b1b7942b4d5cb2c853a66868','268fc3ccb9059eb243437a8b142df8fde22c5ba384c1e0f9e128be9e36b6419a');
INSERT INTO "events" VALUES(1,'269ec154-a35a-4fc5-a62d-977609f56889','0db52f4076c082518412afd3dd3576e2cb0c63703fd7fed5e23ade60efef31d9','demo','5c','bff9333ac46e4b4fa6a826cc23e1584b','P02',9,'word',1,NULL,'remote','participant','response.submitted','cause',1700000012000000000,12000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ab191bdcebb703f21708474663782477b30da385e4096ede7cfa1aa8a852b2be','268fc3ccb9059eb243437a8b142df8fde22c5ba384c1e0f9e128be9e36b6419a','3716bb00c577273a8558e58961d5646b2ad45d48923d9cf8fd4f50fbbcc73206');
INSERT INTO "events" VALUES(1,'a7d4d39d-1d9a-4e66-9878-530df45824ed','364493b2fa95b5a181a4d6faffd2dce3eac07be04821a19c5016ed88864646bd',NULL,NULL,'receipts',NULL,1,NULL,NULL,NULL,NULL,'researcher','system.record_erased','session/5270aa0f884c42afb572a9b7f138599f',1700000014000000000,14000000000,'boot',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'eccd545e877cfc0209426b50debd7af49e6c39a1cd2ac7a586774ac5963d3faf','0000000000000000000000000000000000000000000000000000000000000000','522dc5f935ee3a1e9e4f15b0860770e9db51efeb45d5ea8d034f176022763da2');
CREATE TABLE leases (
	session_id TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	taken_utc_ns INTEGER NOT NULL, 
	renewed_utc_ns INTEGER NOT NULL, 
	PRIMARY KEY (session_id)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE media_chunks (
	media_id TEXT NOT NULL, 
	chunk INTEGER NOT NULL, 
	session_id TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	start_ms INTEGER NOT NULL, 
	length_ms INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	stored_utc_ns INTEGER NOT NULL, 
	PRIMARY KEY (media_id, chunk)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE participants (
	session_id TEXT NOT NULL, 
	study_id TEXT NOT NULL, 
	pseudonym TEXT NOT NULL, 
	link_sha256 TEXT NOT NULL, 
	keyed_hash TEXT, 
	admitted_utc_ns INTEGER NOT NULL, 
	PRIMARY KEY (session_id), 
	UNIQUE (study_id, pseudonym), 
	UNIQUE (study_id, keyed_hash), 
	UNIQUE (link_sha256)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO "participants" VALUES('bff9333ac46e4b4fa6a826cc23e1584b','demo','P02','058ed4edb73bd478d125314c01abc82406c21fd8ee362dd7a703d0a633083e06',NULL,1700000007000000000);
CREATE TABLE payloads (
	event_id TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	request_digest TEXT NOT NULL, 
	json TEXT NOT NULL, 
	PRIMARY KEY (event_id), 
	FOREIGN KEY(event_id) REFERENCES events (event_id)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO "payloads" VALUES('13e0eb5e-d967-4959-b47e-d87841812932','24bea5a8536f7ef4c5c76eca3e1cd9e7','17750fa798bfbdacb00cc40464bc266c8979068fd18f8477e9bce01fc27451b5','{"after":{"edits":[],"logits":"000000400000803f00000000","state_id":"48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33","top":[{"label":"apple","probability":"0x1.549a766a06790p-1"},{"label":"boat","probability":"0x1.f534335ca4bcfp-3"},{"label":"car","probability":"0x1.70c3e5f682bdap-4"}]},"attempt":1,"cache_hit":false,"edit_norm_ratio":"0x1.0000000000000p-2","environment":{"python":"3"},"latency_ms":"0x1.c000000000000p+1","pinned":{"dictionary_sha256":"d","explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"},"task":"word"}');
INSERT INTO "payloads" VALUES('21784a61-039a-4944-b829-6db05403c701','c3443815c5df632ac8de19f3a0af709c','dbbd3492f94353de02c50b157b6030850cb04b94c5e4a38beca3debc7a02cfcb','{"after":{"edits":[],"logits":"000000400000803f00000000","state_id":"48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33","top":[{"label":"apple","probability":"0x1.549a766a06790p-1"},{"label":"boat","probability":"0x1.f534335ca4bcfp-3"},{"label":"car","probability":"0x1.70c3e5f682bdap-4"}]},"attempt":1,"before":{"edits":[{"component":1,"op":"scale","patches":[],"scope":"active","strength":"0x1.0000000000000p-1"}],"logits":"000000400000003f00000000","state_id":"8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f","top":[{"label":"apple","probability":"0x1.78e557016632ep-1"},{"label":"boat","probability":"0x1.50632847b7578p-3"},{"label":"car","probability":"0x1.980ef7655fba4p-4"}]},"control":"button","pinned":{"dictionary_sha256":"d","explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"},"task":"word","undone_event":"a6337650-5aab-4d75-bdeb-a88b7cf0dd88"}');
INSERT INTO "payloads" VALUES('269ec154-a35a-4fc5-a62d-977609f56889','28159eca59b3e9124f874ff1bfbf39e3','0ae7f6efb9606f9ddb837934dc928f24995e315965015c8d53b6bf2b4914be36','{"attempt":1,"item":"cause","number":null,"task":"word","text":"the word 🙂 = painted"}');
INSERT INTO "payloads" VALUES('a6337650-5aab-4d75-bdeb-a88b7cf0dd88','32d4c3c646327c9a6df4727fb0f0c855','dc175f6cff42ce5777c8db3ca72a5228077e21c12119a1c176f38f90a6eb6781','{"after":{"edits":[{"component":1,"op":"scale","patches":[],"scope":"active","strength":"0x1.0000000000000p-1"}],"logits":"000000400000003f00000000","state_id":"8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f","top":[{"label":"apple","probability":"0x1.78e557016632ep-1"},{"label":"boat","probability":"0x1.50632847b7578p-3"},{"label":"car","probability":"0x1.980ef7655fba4p-4"}]},"attempt":1,"before":{"edits":[],"logits":"000000400000803f00000000","state_id":"48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33","top":[{"label":"apple","probability":"0x1.549a766a06790p-1"},{"label":"boat","probability":"0x1.f534335ca4bcfp-3"},{"label":"car","probability":"0x1.70c3e5f682bdap-4"}]},"component":1,"control":"button","patches":[],"pinned":{"dictionary_sha256":"d","explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"},"previous":null,"scope":"active","setting":{"component":1,"op":"scale","patches":[],"scope":"active","strength":"0x1.0000000000000p-1"},"task":"word","tool":"suppress","unit":"factor","value":"0x1.0000000000000p-1"}');
INSERT INTO "payloads" VALUES('a7d4d39d-1d9a-4e66-9878-530df45824ed','9ff123c02c74f5c94f76c586bbe40602','b45befb0efb93dacb0c92a6fc480bf1902ea51f4bae06dd0f74cbb5603e11285','{"found":0,"media":0,"participants":1,"payloads":9,"searched":["v1.db","v1.db-wal","v1.db-shm"],"session":"5270aa0f884c42afb572a9b7f138599f","settled":true,"sought":11}');
INSERT INTO "payloads" VALUES('b296c31d-68fb-4cc6-b10b-648331dfc804','3a858ef8767e53d1ae3cd07939c373ce','17750fa798bfbdacb00cc40464bc266c8979068fd18f8477e9bce01fc27451b5','{"attempt":1,"image":"7f.png","image_sha256":"i","labels":["apple","boat","car"],"labels_sha256":"l","task":"word"}');
INSERT INTO "payloads" VALUES('b8fa14db-958e-4692-b7c6-1328c2f1efa7','d5cb0aa7c13a587ac6e960bac0986d5e','dbbd3492f94353de02c50b157b6030850cb04b94c5e4a38beca3debc7a02cfcb','{"after":{"edits":[],"logits":"000000400000803f00000000","state_id":"48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33","top":[{"label":"apple","probability":"0x1.549a766a06790p-1"},{"label":"boat","probability":"0x1.f534335ca4bcfp-3"},{"label":"car","probability":"0x1.70c3e5f682bdap-4"}]},"attempt":1,"cache_hit":false,"edit_norm_ratio":"0x1.0000000000000p-2","environment":{"python":"3"},"latency_ms":"0x1.c000000000000p+1","pinned":{"dictionary_sha256":"d","explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"},"task":"word"}');
INSERT INTO "payloads" VALUES('bdb24beb-490e-4a69-9746-4b6dd601e1fd','e71f4d2e86a3b07c7ed5947d4bc5a4fc','4aaa94a75b2891846967fcb5982e67844d46f798c4c45e8c14d69191eddf9085','{"app_version":"","mode":"remote","participant":"P02","script_sha256":"5c","slot":null,"study":"demo","study_version":"1"}');
INSERT INTO "payloads" VALUES('bf50d363-00f9-4ef9-9a3a-100add71a7fa','1c4978067b0af2a266913d6c80c8cfe4','17750fa798bfbdacb00cc40464bc266c8979068fd18f8477e9bce01fc27451b5','{"attempt":1,"condition":"","order":1,"task":"word"}');
INSERT INTO "payloads" VALUES('eef91609-cf32-471e-ac48-7a47f27afecb','0140e966b1cf74ad235ae2611b21c725','dc175f6cff42ce5777c8db3ca72a5228077e21c12119a1c176f38f90a6eb6781','{"after":{"edits":[{"component":1,"op":"scale","patches":[],"scope":"active","strength":"0x1.0000000000000p-1"}],"logits":"000000400000003f00000000","state_id":"8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f","top":[{"label":"apple","probability":"0x1.78e557016632ep-1"},{"label":"boat","probability":"0x1.50632847b7578p-3"},{"label":"car","probability":"0x1.980ef7655fba4p-4"}]},"attempt":1,"cache_hit":false,"edit_norm_ratio":"0x1.0000000000000p-2","environment":{"python":"3"},"latency_ms":"0x1.c000000000000p+1","pinned":{"dictionary_sha256":"d","explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"},"task":"word"}');
CREATE TABLE scripts (
	script_sha256 TEXT NOT NULL, 
	study_id TEXT NOT NULL, 
	version TEXT NOT NULL, 
	json TEXT NOT NULL, 
	stored_utc_ns INTEGER NOT NULL, 
	PRIMARY KEY (script_sha256)
)
 WITHOUT ROWID,
 STRICT

;
CREATE TABLE states (
	state_id TEXT NOT NULL, 
	edits_id TEXT NOT NULL, 
	json TEXT NOT NULL, 
	PRIMARY KEY (state_id)
)
 WITHOUT ROWID,
 STRICT

;
INSERT INTO "states" VALUES('48ca7581c9ce0e0977582065ce77870590c22642abc9fcd875d01d502c4afc33','4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945','{"dictionary_sha256":"d","edits":[],"explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"}');
INSERT INTO "states" VALUES('8ee6505367470997f9a4829487c26b99caed04850b7ac3630ea2b4bdde070c6f','e1d19b067dbb64a726e221cb24dcde5322852c8d731324a05184d9b6d3794544','{"dictionary_sha256":"d","edits":[[1,"scale",null,"active","0x1.0000000000000p-1"]],"explanation":"gradient","image_sha256":"i","labels_sha256":"l","model_sha256":"m"}');
CREATE INDEX ix_states_edits_id ON states (edits_id);
CREATE INDEX ix_media_chunks_session_id ON media_chunks (session_id);
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'a row of the log is never changed; void it with a later event'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events WHEN NOT EXISTS (SELECT 1 FROM erasures WHERE session_id = OLD.session_id AND what IN ('stream')) BEGIN SELECT RAISE(ABORT, 'a row of the log is never deleted; name its stream in erasures first'); END;
CREATE TRIGGER events_never_replaced BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id) OR EXISTS (SELECT 1 FROM events WHERE session_id = NEW.session_id AND idem_key = NEW.idem_key) BEGIN SELECT RAISE(ABORT, 'a row of the log is never replaced'); END;
CREATE TRIGGER events_leave_no_gap BEFORE INSERT ON events WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM events WHERE session_id = NEW.session_id) BEGIN SELECT RAISE(ABORT, 'rows of one session are numbered 1, 2, 3 without a gap'); END;
CREATE TRIGGER events_end_with_erasure BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM erasures WHERE session_id = NEW.session_id AND what IN ('stream', 'payloads')) BEGIN SELECT RAISE(ABORT, 'this session was erased and takes no further rows'); END;
CREATE TRIGGER payloads_never_change BEFORE UPDATE ON payloads BEGIN SELECT RAISE(ABORT, 'a payload is never changed'); END;
CREATE TRIGGER payloads_stay BEFORE DELETE ON payloads WHEN NOT EXISTS (SELECT 1 FROM erasures WHERE session_id = (SELECT session_id FROM events WHERE event_id = OLD.event_id) AND what IN ('stream', 'payloads')) BEGIN SELECT RAISE(ABORT, 'a payload is never deleted; name its stream in erasures first'); END;
CREATE TRIGGER payloads_never_replaced BEFORE INSERT ON payloads WHEN EXISTS (SELECT 1 FROM payloads WHERE event_id = NEW.event_id) BEGIN SELECT RAISE(ABORT, 'a payload is never replaced'); END;
CREATE TRIGGER states_never_change BEFORE UPDATE ON states BEGIN SELECT RAISE(ABORT, 'a state is never changed'); END;
CREATE TRIGGER states_stay BEFORE DELETE ON states WHEN EXISTS (SELECT 1 FROM events WHERE OLD.state_id IN (before_state_id, after_state_id)) BEGIN SELECT RAISE(ABORT, 'a state is kept while an event refers to it'); END;
CREATE TRIGGER states_never_replaced BEFORE INSERT ON states WHEN EXISTS (SELECT 1 FROM states WHERE state_id = NEW.state_id AND (edits_id, json) IS NOT (NEW.edits_id, NEW.json)) BEGIN SELECT RAISE(ABORT, 'a state is never replaced'); END;
CREATE TRIGGER scripts_never_change BEFORE UPDATE ON scripts BEGIN SELECT RAISE(ABORT, 'a stored script is never changed; raise its version'); END;
CREATE TRIGGER scripts_stay BEFORE DELETE ON scripts BEGIN SELECT RAISE(ABORT, 'a stored script is never deleted'); END;
CREATE TRIGGER scripts_never_replaced BEFORE INSERT ON scripts WHEN EXISTS (SELECT 1 FROM scripts WHERE script_sha256 = NEW.script_sha256 AND (study_id, version, json) IS NOT (NEW.study_id, NEW.version, NEW.json)) BEGIN SELECT RAISE(ABORT, 'a stored script is never replaced; raise its version'); END;
CREATE TRIGGER erasures_never_change BEFORE UPDATE ON erasures BEGIN SELECT RAISE(ABORT, 'a named erasure is never changed'); END;
CREATE TRIGGER erasures_stay BEFORE DELETE ON erasures BEGIN SELECT RAISE(ABORT, 'a named erasure is never deleted'); END;
CREATE TRIGGER erasures_never_replaced BEFORE INSERT ON erasures WHEN EXISTS (SELECT 1 FROM erasures WHERE session_id = NEW.session_id AND what = NEW.what) BEGIN SELECT RAISE(ABORT, 'a named erasure is never replaced'); END;
COMMIT;
