#!/usr/bin/env bash
# A Skep bot in bash, without any other program for JSON. It answers "date", "uptime" and "disk", and says the rest back.
#
# How a bot works (docs/bot-protocol.md has all of it): the server starts this script and writes one JSON object per line to its
# standard input; the script writes one JSON object per line to its standard output, and nothing else. When the input ends, so does
# the loop below, and with it the bot.
#
# Add it to a running server:
#   skep bot add shell --kind command --option command=bash --option 'args=["/full/path/of/bot.sh"]'
#
# Or try it by hand, without a server:
#   printf '%s\n' '{"type":"hello","protocol":1,"bot":"shell","options":{}}' \
#     '{"type":"turn","turn":"t1","attempt":1,"conversation":"c1","author":"ann","text":"uptime"}' | bash bot.sh

# Bytes in, bytes out: no locale may reject or change them.
export LC_ALL=C

# A JSON string: quotes around characters that are neither a quote nor a backslash, or a backslash with the character after it.
# A quote inside a string always has a backslash before it, so `"turn":"` can only be a real field, never a part of somebody's text.
string='"(([^"\\]|\\.)*)"'

# field NAME LINE -> $value, the string as it stands in JSON, still escaped. That is all we need: what is put back into JSON
# as it is needs no unescaping and no escaping, whatever people write.
field() {
  local pattern="[{,][[:space:]]*\"$1\"[[:space:]]*:[[:space:]]*$string"
  if [[ $2 =~ $pattern ]]; then value=${BASH_REMATCH[1]}; else value=''; fi
}

# escaped TEXT -> $value, ready to stand between quotes in JSON. For what programs print.
escaped() {
  local text=$1 backslash='\'
  text=${text//"$backslash"/"$backslash$backslash"}
  text=${text//\"/"$backslash\""}
  text=${text//$'\n'/"${backslash}n"}
  text=${text//$'\t'/"${backslash}t"}
  # Other control characters are not allowed in JSON as they are; nobody misses them.
  value=${text//[[:cntrl:]]/}
}

# Each answer is one line. (`printf` of bash writes it at once; nothing waits in a buffer.)
answer() { printf '{"type":"answer","turn":"%s","text":"%s"}\n' "$1" "$2"; }
failure() { printf '{"type":"failure","turn":"%s","reason":"%s","retry":false}\n' "$1" "$2"; }

# answer_with TURN PROGRAM... runs a program and answers with what it prints, as a block of code.
answer_with() {
  local turn=$1 printed
  shift
  # </dev/null: a program that reads its input would eat the server's lines.
  if printed=$("$@" </dev/null 2>&1); then
    escaped "$printed"
    answer "$turn" "\`\`\`\\n$value\\n\`\`\`"
  else
    escaped "$printed"
    failure "$turn" "$1 failed: $value"
  fi
}

# -r: a backslash is a backslash. IFS= : spaces stay.
while IFS= read -r line; do
  field type "$line"
  case $value in
    hello)
      # "I am ready": one message at a time. We do not say `heartbeat`, since while a program runs we could not answer a ping;
      # so the server does not ask.
      printf '{"type":"hello","protocol":1,"context":"message","concurrency":1}\n'
      ;;
    turn)
      field turn "$line"
      turn=$value
      field text "$line"
      case $value in
        date) answer_with "$turn" date ;;
        uptime) answer_with "$turn" uptime ;;
        disk) answer_with "$turn" df -h . ;;
        *) answer "$turn" "You said: $value\\n\\nI know *date*, *uptime* and *disk*." ;;
      esac
      ;;
    # `cancel` needs nothing here: by the time that we read it, its turn has ended. Other types come from a newer server.
  esac
done
