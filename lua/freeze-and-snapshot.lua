-- SPDX-License-Identifier: Apache-2.0
-- freeze-and-snapshot: stop a process and its descendants where they are, and keep what there is to see.
--
-- What it shows: two actions in order, the second whether or not the first was done: a snapshot touches nothing but execrayd's own
-- directory, so it is made in a dry run as well. `execrayctl response undo` lets the processes go on.
responder("freeze-and-snapshot", function(alert)
    if not alert.target then
        print("freeze-and-snapshot: the process that is meant is not known")
        return
    end
    local stopped = execray.action("stop_tree", {process = alert.target})
    local kept, why = execray.action("snapshot", {process = alert.target})
    execray.field("frozen", stopped)
    execray.field("snapshot", kept and why or "none")
end)
