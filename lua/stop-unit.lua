-- SPDX-License-Identifier: Apache-2.0
-- stop-unit: have systemd stop the unit that the process belongs to, with all that is in it.
--
-- What it shows: systemd needs time, so the answer is that it has begun; what came of it is an entry of the journal of its own.
-- `execrayctl response undo` starts the unit again.
responder("stop-unit", function(alert)
    local unit = alert.target and alert.target.unit
    if not unit or not text.ends(unit, ".service") then
        print("stop-unit: the process is in no service")
        return
    end
    local ok, why, state = execray.action("stop_unit", {unit = unit})
    execray.field("stop_unit", state .. ": " .. why)
end)
