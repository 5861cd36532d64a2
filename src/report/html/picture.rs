//! The schedule as swim lanes: time downwards, a lane for each process, then one for each contested cell. A dashed
//! arrow looks, a solid one writes; each write leaves its value in the cell's lane, also when it stays the same.

use super::super::race::{self, Race, effect};
use super::node::{El, el};
use super::pick::{self, short, tail};
use super::pill::{label, line, pill};
use crate::finding::{Finding, Touch, TouchKind, TraceStep, Witness, show};

const LANE: i32 = 196;
const BOX: i32 = 176;
const TALL: i32 = 44;
const ROW: i32 = 62;
const CELL: i32 = 150;
/// From the top to the first step: the lanes' names and the values at the start.
const TOP: i32 = 90;

/// What is drawn, and where.
struct Sheet<'a> {
    finding: &'a Finding,
    witness: &'a Witness,
    processes: Vec<&'a str>,
    cells: Vec<&'a str>,
    race: Race,
    /// In the good order: the step that comes earlier there.
    moved: Option<usize>,
    /// Whether the script may step through it.
    steps: bool,
}

/// The schedule that goes wrong.
pub(super) fn wrong(finding: &Finding, witness: &Witness) -> El {
    let race = race::race(finding, witness);
    Sheet::new(finding, witness, race, None, true).draw("The order that goes wrong, as swim lanes")
}

/// The nearest that goes well, the moved step marked.
pub(super) fn right(finding: &Finding, witness: &Witness, moved: Option<usize>) -> El {
    let sheet = Sheet::new(finding, witness, Race::default(), moved, false);
    sheet.draw("The order that goes well, as swim lanes")
}

impl<'a> Sheet<'a> {
    fn new(
        finding: &'a Finding,
        witness: &'a Witness,
        race: Race,
        moved: Option<usize>,
        steps: bool,
    ) -> Self {
        let processes = race::processes(witness);
        let cells = pick::cells(finding, witness);
        Self { finding, witness, processes, cells, race, moved, steps }
    }

    fn draw(&self, says: &str) -> El {
        let width = self.cell_x(self.cells.len()) - CELL / 2 + 20;
        let height = row_y(self.witness.steps.len()) - ROW / 2 + 8;
        let mut svg = el("svg")
            .class("lanes")
            .attr("role", "img")
            .attr("aria-label", format!("{says}; the list and the table say the same"))
            .attr("viewBox", format!("0 0 {width} {height}"))
            .attr("width", width)
            .attr("height", height);
        for (n, process) in self.processes.iter().enumerate() {
            let x = lane_x(n);
            let lane = el("rect").attr("class", format!("lane lane{}", n % 2));
            let lane = lane.attr("x", x - LANE / 2 + 3).attr("y", 4);
            let lane = lane.attr("width", LANE - 6).attr("height", height - 8).attr("rx", 8);
            svg = svg.child(lane);
            svg = svg.child(label("lanename", x, 28, process, 24).attr("text-anchor", "middle"));
        }
        for (n, cell) in self.cells.iter().enumerate() {
            let x = self.cell_x(n);
            svg = svg.child(line("cellline", x, 44, x, height - 8));
            svg = svg.child(label("cellname", x, 28, tail(cell), 18).attr("text-anchor", "middle"));
            if let Some(value) = self.witness.start.get(*cell) {
                let start = pill("start", x, 68, &short(value, 12));
                svg = svg.child(start.child(el("title").text(&show::text(value))));
            }
        }
        for (n, step) in self.witness.steps.iter().enumerate() {
            svg = svg.child(self.step(n, step));
        }
        svg.children(self.loss())
    }

    fn step(&self, n: usize, step: &TraceStep) -> El {
        let lane = self.processes.iter().position(|p| *p == step.process).unwrap_or(0);
        let (x, y) = (lane_x(lane), row_y(n));
        let mut class = "step".to_owned();
        for (word, is) in [
            ("look", self.race.look == Some(n)),
            ("rival", self.race.rival == Some(n)),
            ("wrong", self.race.wrong == Some(n)),
            ("moved", self.moved == Some(n)),
        ] {
            if is {
                class = format!("{class} {word}");
            }
        }
        let mut group = self.timed(el("g").attr("class", class), n);
        // The farthest first: its arrow goes behind what stands nearer.
        for (at, cell) in self.cells.iter().enumerate().rev() {
            for touch in step.touches.iter().filter(|touch| touch.cell == *cell) {
                group = group.children(self.touch(touch, x, y, at));
            }
        }
        let shape = el("rect").class("box").attr("x", x - BOX / 2).attr("y", y - TALL / 2);
        let shape = shape.attr("width", BOX).attr("height", TALL).attr("rx", 6);
        let mark = if self.race.wrong == Some(n) { " ✗" } else { "" };
        let left = x - BOX / 2 + 10;
        group
            .child(shape)
            .child(label("act", left, y - 3, &format!("{}  {}{mark}", n + 1, step.action), 24))
            .child(label("eff", left, y + 14, &step.effect, 25))
            .child(el("title").text(&format!("{} {}: {}", step.process, step.action, effect(step))))
    }

    /// The arrow between a step and a cell, and what it leaves there.
    fn touch(&self, touch: &Touch, x: i32, y: i32, at: usize) -> Vec<El> {
        let cell = self.cell_x(at);
        let edge = x + BOX / 2;
        let arrow = |class: &str, from: i32, to: i32| {
            line(class, from, y, to, y).attr("marker-end", "url(#arrow)")
        };
        let value = short(&touch.after, 12);
        match touch.kind {
            TouchKind::Reads => vec![
                arrow("arrow reads", cell, edge + 2),
                el("circle").class("dot").attr("cx", cell).attr("cy", y).attr("r", 3),
            ],
            TouchKind::Refused => vec![
                arrow("arrow", edge, cell - 14),
                label("refused", cell, y + 5, "✗", 2).attr("text-anchor", "middle"),
            ],
            TouchKind::Writes => vec![
                arrow("arrow", edge, cell - 48),
                pill("value", cell, y, &value).child(el("title").text(&show::text(&touch.after))),
            ],
            TouchKind::Acquires => {
                vec![arrow("arrow", edge, cell - 48), pill("lock", cell, y, "held")]
            }
            TouchKind::Releases => {
                vec![arrow("arrow", edge, cell - 48), pill("lock", cell, y, "free")]
            }
        }
    }

    /// What became of the other one's write. It shows when the step that does it runs, not before.
    fn loss(&self) -> Vec<El> {
        let (Some(rival), Some(wrong)) = (self.race.rival, self.race.wrong) else {
            return Vec::new();
        };
        let Some(cell) = self.cells.iter().position(|cell| *cell == self.finding.cell) else {
            return Vec::new();
        };
        let (x, from, to) = (self.cell_x(cell), row_y(wrong), row_y(rival));
        let (word, gone) = match self.finding.rule {
            "lost-update" | "collateral-overwrite" | "lease-misuse" => ("lost", true),
            "last-writer-wins" => ("overwritten", true),
            "duplicate-create" => ("created twice", false),
            "iteration-bleed" => ("somebody else's", false),
            _ => ("not seen", false),
        };
        let mut group = self.timed(el("g").class("loss"), wrong);
        if gone {
            let hatch = el("rect").attr("fill", "url(#hatch)").attr("x", x - 46).attr("y", to - 13);
            group = group.child(hatch.attr("width", 92).attr("height", 26).attr("rx", 12));
            group = group.child(line("strike", x - 40, to, x + 40, to));
        }
        let (right, bow) = (x + 48, x + 72);
        let curve = format!("M{right} {from} C{bow} {from} {bow} {to} {right} {to}");
        let curve = el("path").class("killer").attr("d", curve).attr("marker-end", "url(#kill)");
        vec![
            group
                .child(curve)
                .child(label("lost", x, to + 26, word, 20).attr("text-anchor", "middle")),
        ]
    }

    fn timed(&self, element: El, n: usize) -> El {
        if self.steps { element.attr("data-step", n + 1) } else { element }
    }

    fn cell_x(&self, n: usize) -> i32 {
        lane_x(self.processes.len()) - LANE / 2 + CELL / 2 + 14 + CELL * small(n)
    }
}

fn lane_x(n: usize) -> i32 {
    LANE / 2 + LANE * small(n)
}

fn row_y(n: usize) -> i32 {
    TOP + ROW / 2 + ROW * small(n)
}

fn small(n: usize) -> i32 {
    i32::try_from(n).expect("at most a few hundred are drawn")
}
