-- SPDX-License-Identifier: Apache-2.0
-- quarantine: move the program that was run to where nobody can run or read it.
--
-- What it shows: a file is named by its path and by the numbers that the event saw. A file that was put in its place meanwhile
-- is another one, and is left alone. Programs of a package are never moved: that would be a fault of the policy.
responder("quarantine", function(alert)
    local who = alert.target
    if not who or not who.exe or not who.exe_inode then
        print("quarantine: the program of the process is not known")
    elseif who.package ~= "" then
        print("quarantine: " .. who.exe .. " belongs to a package, or it is not known whether it does")
    else
        execray.action("quarantine", {path = who.exe, device = who.exe_device, inode = who.exe_inode})
    end
end)
