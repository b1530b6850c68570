#!/bin/bash
# A project of node: scripts of npm, a dependency from the disk, a package, a server that is asked once.
command -v npm >/dev/null || exit 77
export npm_config_offline=true npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
mkdir -p /srv/n/dep /srv/n/app; cd /srv/n/dep; printf '{"name":"dep","version":"1.0.0","main":"i.js"}' >package.json; echo 'module.exports = () => 42' >i.js
cd /srv/n/app; printf '{"name":"app","version":"1.0.0","scripts":{"test":"node test.js","build":"node -e \\"require(\x27fs\x27).writeFileSync(\x27out.js\x27, \x27ok\x27)\\"","postinstall":"node -v"}}' >package.json
echo 'require("assert").equal(require("dep")(), 42)' >test.js
npm install -s ../dep; npm test -s; npm run -s build; npm pack -s
node -e 'const s = require("http").createServer((q, r) => r.end("ok")).listen(8124, "127.0.0.1", () => require("http").get("http://127.0.0.1:8124/", () => s.close(() => process.exit())))'
