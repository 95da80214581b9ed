/** A bot of the bot protocol that says what the pictures show. */
import { createInterface } from "node:readline";

const reading = `Iterate over the file object. Python reads it line by line, so it may be larger than the memory:

\`\`\`python
from pathlib import Path

def lines(path: Path):
    """Lines without their ends."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield line.rstrip("\\n")
\`\`\`

| way | memory | when |
|---|---|---|
| \`for line in file\` | one line | nearly always |
| \`read_text().splitlines()\` | the whole file | small files |

More in the [documentation](https://docs.python.org/3/tutorial/inputoutput.html).`;

const send = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

function fix(turn: string): void {
  send({ type: "thought", turn, id: "thought", text: "On Windows a line may end in two characters. The test compares with one." });
  const tool = { type: "tool", id: "run", title: "pytest tests/test_lines.py", tool: "execute", input: "pytest tests/test_lines.py" };
  send({ type: "part", turn, part: { ...tool, state: "completed", output: "1 failed, 11 passed" } });
  const steps = [
    { text: "See which test fails", state: "completed" },
    { text: 'Open files with newline=""', state: "running" },
    { text: "Run all tests", state: "pending" },
  ];
  send({ type: "part", turn, part: { type: "plan", id: "plan", steps } });
  send({ type: "delta", turn, text: "The test expects the line ends as they are in the file. I would change one line." });
  send({
    type: "permission",
    turn,
    id: "edit",
    title: "Edit lines.py",
    detail: '-    with path.open(encoding="utf-8") as file:\n+    with path.open(encoding="utf-8", newline="") as file:',
    options: [
      { id: "once", label: "Allow", effect: "allow", always: false },
      { id: "always", label: "Always allow", effect: "allow", always: true },
      { id: "no", label: "Reject", effect: "reject", always: false },
    ],
  });
}

createInterface({ input: process.stdin }).on("line", (raw) => {
  const line = JSON.parse(raw) as { type: string; turn: string; text: string };
  if (line.type === "hello") send({ type: "hello", protocol: 1, concurrency: 8 });
  else if (line.type === "turn" && line.text.includes("Windows")) fix(line.turn);
  else if (line.type === "turn") send({ type: "answer", turn: line.turn, text: reading });
  else if (line.type === "decision") send({ type: "answer", turn: line.turn });
});
