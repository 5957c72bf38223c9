-- Registers a hook for an event that does not exist.
-- when: load
-- line: 6
-- says: there is no event `reconect`; did you mean `reconnect`\?
api(1)
on.reconect("typo", function() end)
