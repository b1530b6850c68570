-- SPDX-License-Identifier: Apache-2.0
-- enrich-hash: the SHA-256 of the actor's program, and what is known of it.
--
--     /etc/execrayd/reputation.list       one hash a line, then a word about it: "bad", "good", a ticket
--
-- What it shows: asking about a running process, which may be gone by now (nil), and changing the severity by what is found.
local reputation = execray.lookup("/etc/execrayd/reputation.list", " ", {optional = true})

enricher("enrich-hash", function(alert)
    local hash = execray.sha256(alert.process)
    if not hash then
        return
    end
    execray.field("sha256", hash)
    local word = reputation:get(hash)
    if word then
        execray.field("reputation", word)
        if word == "bad" then
            execray.severity("critical")
        end
    end
end)
