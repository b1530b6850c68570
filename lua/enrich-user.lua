-- SPDX-License-Identifier: Apache-2.0
-- enrich-user: say the names of the users that the daemon, which makes no look-ups, knows by number.
--
-- What it shows: a table from a file. /etc/passwd is read when scripts are loaded; its third column is the key. Users of a
-- directory service are not in it, and stay numbers.
local names = execray.lookup("/etc/passwd", ":", {key = 3, value = 1, optional = true})

local function name(uid)
    return uid and (names:get(uid) or tostring(uid))
end

enricher("enrich-user", function(alert)
    local who = alert.process
    if who.uid then
        execray.field("user", name(who.uid))
    end
    if who.loginuid and who.loginuid ~= who.uid then
        execray.field("login_user", name(who.loginuid))
    end
end)
