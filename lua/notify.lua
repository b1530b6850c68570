-- SPDX-License-Identifier: Apache-2.0
-- notify: send an alert to a webhook.
--
--     respond = ["notify"]                                in a policy
--     url = https://hooks.example.org/T0/B1               in /etc/execrayd/notify.conf
--     response: {webhooks: [https://hooks.example.org/]}  in execrayd.yaml: where scripts may send at all
--
-- What it shows: settings are read once, when the script is loaded; a responder asks for an action and need not wait for it.
local settings = execray.lookup("/etc/execrayd/notify.conf", "=", {optional = true})

responder("notify", function(alert)
    local url = settings:get("url")
    if not url then
        print("notify: there is no url in /etc/execrayd/notify.conf, nothing is sent")
        return
    end
    local who = alert.process
    local body = string.format('{"policy":%s,"severity":%s,"description":%s,"number":%d,"exe":%s,"pid":%d,"unit":%s}',
        execray.json(alert.policy), execray.json(alert.severity), execray.json(alert.description), alert.number,
        execray.json(who.exe), who.pid, execray.json(who.unit))
    execray.action("webhook", {url = url, body = body})
end)
