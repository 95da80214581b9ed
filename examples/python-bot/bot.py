#!/usr/bin/env python3
"""A Skep bot in Python, with nothing but the standard library.

It rolls dice ("roll 2d6"), and says everything else back word by word, so that you can watch an answer grow.

How a bot works (docs/bot-protocol.md has all of it):
  - The server starts this program and writes one JSON object per line to its standard input.
  - The program writes one JSON object per line to its standard output. Nothing else may go there: use log() to say things.
  - When standard input ends, the server is gone or done with us: end too.

Add it to a running server:
  skep bot add dice --kind command --option command=python3 --option 'args=["/full/path/of/bot.py"]'

Or try it by hand, without a server:
  printf '%s\n' '{"type":"hello","protocol":1,"bot":"dice","options":{}}' \
    '{"type":"turn","turn":"t1","attempt":1,"conversation":"c1","author":"ann","text":"roll 2d6"}' | python3 bot.py
"""

import json
import random
import re
import sys
import threading

# Turns of different conversations may run at the same time, one thread each.
CONCURRENCY = 8
SECONDS_BETWEEN_WORDS = 0.02

# Threads must not write into each other's lines.
output = threading.Lock()

# For each running turn an event that is set when somebody cancels it.
running = {}
running_lock = threading.Lock()


def send(**line):
    """Writes one line of the protocol. ensure_ascii keeps it clear of every question of encodings."""
    text = json.dumps(line, ensure_ascii=True)
    with output:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()  # without this, lines wait in a buffer and the server sees nothing


def log(text):
    """Goes to the bot's log, not to people."""
    send(type="log", level="info", text=text)


def roll(count, sides):
    dice = [random.randint(1, sides) for _ in range(count)]
    return f"{' + '.join(map(str, dice))} = **{sum(dice)}**" if count > 1 else f"**{dice[0]}**"


def answer_to(text):
    wish = re.search(r"\broll\s+(\d{0,3})d(\d{1,4})\b", text, re.IGNORECASE)
    if wish:
        count, sides = int(wish[1] or 1), int(wish[2])
        if 1 <= count <= 100 and sides >= 1:
            return roll(count, sides)
    return f"You said: {text}"


def work(line, cancelled):
    """Works on one turn. Whatever happens, it ends with exactly one `answer` or `failure`."""
    turn = line["turn"]
    try:
        # A delta is a piece of the answer that people see at once. The pieces, put together, are the answer.
        for piece in re.findall(r"\s*\S+|\s+$", answer_to(line["text"])):
            if cancelled.wait(SECONDS_BETWEEN_WORDS):
                send(type="failure", turn=turn, reason="Cancelled", retry=False)
                return
            send(type="delta", turn=turn, text=piece)
        # Without `text`, the answer is what was streamed.
        send(type="answer", turn=turn)
    except Exception as error:  # noqa: BLE001 - people get a sentence, whatever it was
        send(type="failure", turn=turn, reason=f"The dice bot stumbled: {error}", retry=True)
    finally:
        with running_lock:
            running.pop(turn, None)


def start(line):
    cancelled = threading.Event()
    with running_lock:
        running[line["turn"]] = cancelled
    # Daemon threads do not keep the program alive when standard input has ended.
    threading.Thread(target=work, args=(line, cancelled), daemon=True).start()


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    for raw in sys.stdin:
        line = json.loads(raw)
        kind = line["type"]
        if kind == "hello":
            # Always the first line. Whatever takes time, such as loading a model, belongs before our own hello:
            # it says that we are ready. We want single messages, not the whole conversation, and we can be asked
            # whether we are alive.
            send(type="hello", protocol=1, context="message", concurrency=CONCURRENCY, heartbeat=True)
            log(f"Ready as {line['bot']}")
        elif kind == "turn":
            start(line)
        elif kind == "cancel":
            with running_lock:
                cancelled = running.get(line["turn"])
            if cancelled:
                cancelled.set()
        elif kind == "ping":
            send(type="heartbeat")
        # Any other type comes from a newer server: leave it alone.


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        # Nobody reads us any more.
        sys.stderr.close()
