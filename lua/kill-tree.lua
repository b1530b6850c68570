-- SPDX-License-Identifier: Apache-2.0
-- kill-tree: end a process and all that descend from it.
--
--     respond = ["kill-tree $shell"]      the process that the policy calls $shell; without a name, who completed the story
--
-- What it shows: `alert.target`; and that an action may be refused, which is an answer and no error. It is done only with
-- response.enforce, and never to the protected set.
responder("kill-tree", function(alert)
    if not alert.target then
        print("kill-tree: the process that is meant is not known")
        return
    end
    -- Those whose parent has gone cannot be found from the root: the alert knows some of them.
    local members = {}
    for _, step in ipairs(alert.steps) do
        if step.process.pid ~= alert.target.pid then
            table.insert(members, step.process)
        end
    end
    execray.action("kill_tree", {process = alert.target, members = #members > 0 and members or nil})
end)
