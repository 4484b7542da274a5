-- Appends events to one topic in one atomic step, so that the order of the log is the order of delivery.
--
-- KEYS  1 the topic's stream, whose name is also its shard channel    2 the idempotency memo (same slot), if any
-- ARGV  1 memo mode: none | key | progress    2 memo TTL, ms    3 key: fingerprint, progress: offset of the first draft
--       4 fence number, or empty    5 fence token, and after a space the writer's token before it, if any    6 close: 1 or 0
--       7 events to keep at least, 0 = all    8 expiry of the topic, ms, 0 = none
--       9 the drafts packed for the doorbell, or empty where they are too large for it
--       10… type and data of each draft
-- Returns {outcome, ms, n, count, done}: appended | repeated | mismatch | fenced | closed
--
-- What a topic must remember rides on its last entry, and so lives and dies with it: b = born, f = fence, k = the
-- latest fenced append (token ms-n count), c = closed. An append without a fence carries f and k along.
local stream, memo = KEYS[1], KEYS[2]
local mode, offset = ARGV[1], 0
local count = (#ARGV - 9) / 2
local skip = 0

if mode ~= 'none' then
  local seen = redis.call('GET', memo)
  if mode == 'progress' then offset = tonumber(ARGV[3]) end
  if seen then
    local fingerprint, ms, n, many, done = string.match(seen, '^(%S*) (%d+)-(%d+) (%d+) (%d+)$')
    if mode == 'key' then
      if fingerprint ~= ARGV[3] then return { 'mismatch' } end
      return { 'repeated', ms, n, many, done }
    end
    skip = math.max(0, tonumber(done) - offset)
    if skip >= count then return { 'repeated', ms, n, '0', done } end
  end
end

local born, fence, token, closed = nil, nil, nil, nil
local lastMs, lastN, lastMsText = 0, 0, '0'
local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
if last then
  local ms, n = string.match(last[1], '^(%d+)-(%d+)$')
  lastMs, lastN, lastMsText = tonumber(ms), tonumber(n), ms
  local fields = last[2]
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    if name == 'b' then born = value
    elseif name == 'f' then fence = value
    elseif name == 'k' then token = value
    elseif name == 'c' then closed = value end
  end
end

local ours, previous = string.match(ARGV[5], '^(%S*) ?(%S*)$')
if ARGV[4] ~= '' then
  -- What this writer has written before is gone: it must not go on as if it were there.
  if not last then return { 'fenced', 'nobody: the topic is gone' } end
  if fence and tonumber(ARGV[4]) < tonumber(fence) then return { 'fenced', fence } end
  local latest, ms, n, many = string.match(token or '', '^(%S+) (%d+)-(%d+) (%d+)$')
  if latest == ours then return { 'repeated', ms, n, many, many } end
  if previous ~= '' and latest ~= previous then return { 'fenced', 'nobody: its last append is gone' } end
end
if closed then return { 'closed' } end

local now = redis.call('TIME')
local ms = math.max(tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000), lastMs)
local msText = string.format('%.0f', ms)
if not born then born = msText end
if ARGV[4] ~= '' then
  fence = ARGV[4]
  token = string.format('%s %s-%d %d', ours, msText, lastN + 1, count - skip)
end

local n = lastN
for i = skip, count - 1 do
  n = n + 1
  local entry = { msText .. '-' .. string.format('%d', n), 't', ARGV[10 + i * 2], 'd', ARGV[11 + i * 2], 'b', born }
  if i == count - 1 then
    if fence then entry[#entry + 1] = 'f'; entry[#entry + 1] = fence end
    if token then entry[#entry + 1] = 'k'; entry[#entry + 1] = token end
    if ARGV[6] == '1' then entry[#entry + 1] = 'c'; entry[#entry + 1] = '1' end
  end
  if ARGV[7] == '0' then redis.call('XADD', stream, unpack(entry))
  else redis.call('XADD', stream, 'MAXLEN', '~', ARGV[7], unpack(entry)) end
end
if ARGV[8] ~= '0' then redis.call('PEXPIRE', stream, ARGV[8]) end

local first = string.format('%d', lastN + 1)
local done = string.format('%d', offset + count)
local many = string.format('%d', count - skip)
if mode == 'key' then
  redis.call('SET', memo, ARGV[3] .. ' ' .. msText .. '-' .. first .. ' ' .. many .. ' ' .. done, 'PX', ARGV[2])
elseif mode == 'progress' then
  redis.call('SET', memo, ' ' .. msText .. '-' .. string.format('%d', n) .. ' ' .. many .. ' ' .. done, 'PX', ARGV[2])
end

-- A large pub/sub backlog makes Redis cut the subscriber, so large batches ring without their events.
if ARGV[9] == '' or skip > 0 then redis.call('SPUBLISH', stream, 'G')
else
  local head = table.concat({ 'E' .. msText, first, lastMsText, born, ARGV[6] }, ' ')
  redis.call('SPUBLISH', stream, head .. '\n' .. ARGV[9])
end
return { 'appended', msText, first, many, done }
