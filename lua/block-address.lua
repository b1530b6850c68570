-- SPDX-License-Identifier: Apache-2.0
-- block-address: remember the addresses that the story talked to on a list, and cut the unit off the network.
--
-- What it shows: the steps of a story and their fields; a list that lives while the host runs, which policies and other scripts can
-- use (`connect { daddr in runtime.blocked_addresses }`); a value that expires.
responder("block-address", function(alert)
    local seen = {}
    for _, step in ipairs(alert.steps) do
        local address = step.fields and step.fields.daddr
        if address and not seen[address] then
            seen[address] = true
            execray.action("list_add", {list = "blocked_addresses", value = address, duration = "1d"})
        end
    end
    local unit = alert.target and alert.target.unit
    if unit and text.test(unit, [[\.(service|scope|socket|slice)$]]) then
        execray.action("deny_network", {unit = unit})
    end
end)
