-- SPDX-License-Identifier: Apache-2.0
-- What is wrong with a script is said with its place.
responder("loop", function() while true do end end)
responder("bomb", function() local s = "x" while true do s = s .. s end end)
responder("typo", function(alert) execray.action("sgnal", {process = alert.target}) end)
responder("nil", function(alert) return alert.nothing.at_all end)
