-- SPDX-License-Identifier: Apache-2.0
-- enrich-package: who brought the programs of this story to the host?
--
-- What it shows: an alert is a table with what docs/ALERTS.md tells. `package` is the name, "" if no package owns the program, and
-- nil if it is not known; an enricher puts what is worth a search into fields of its own.
enricher("enrich-package", function(alert)
    local foreign = {}
    local function look(process)
        if process.package == "" and process.exe and not foreign[process.exe] then
            foreign[process.exe] = true
            table.insert(foreign, process.exe)
        end
    end

    look(alert.process)
    for _, process in ipairs(alert.ancestors) do look(process) end
    for _, step in ipairs(alert.steps) do look(step.process) end

    local own = alert.process
    if own.package and own.package ~= "" then
        execray.field("package", own.package .. " " .. (own.package_version or "?"))
    end
    if #foreign > 0 then
        execray.field("unpackaged", table.concat(foreign, " "))
    end
end)
