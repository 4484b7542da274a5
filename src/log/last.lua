-- Finds where the last COUNT events up to END begin, without sending them, and in pages: they may be large.
-- KEYS  1 the topic's stream
-- ARGV  1 COUNT    2 END, an id or +
-- Returns the id of the first of them, or nil where there is none.
local left, before, first = tonumber(ARGV[1]), ARGV[2], nil
while left > 0 do
  local entries = redis.call('XREVRANGE', KEYS[1], before, '-', 'COUNT', math.min(left, 100))
  if #entries == 0 then break end
  first = entries[#entries][1]
  before = '(' .. first
  left = left - #entries
end
return first
