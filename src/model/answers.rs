//! Answers: the choices made, as one transition sees them. It remembers which of them it asked for, so that what it did
//! is known for all other choices that answer these alike.

use super::transition::World;
use super::value::Value;
use std::cell::{Cell, RefCell};

/// What was asked, and the answer if there was one.
pub type Asked = Vec<(Value, Option<bool>)>;

/// The choices made, and which of them were asked for.
#[derive(Debug)]
pub struct Answers<'w> {
    world: &'w World,
    asked: RefCell<Asked>,
    all: Cell<bool>,
}

impl<'w> Answers<'w> {
    /// Nothing has been asked yet.
    pub fn of(world: &'w World) -> Self {
        Self { world, asked: RefCell::default(), all: Cell::new(false) }
    }

    /// The answer to a question, if it was made.
    pub fn get(&self, question: &Value) -> Option<bool> {
        let answer = self.world.get(question).copied();
        self.asked.borrow_mut().push((question.clone(), answer));
        answer
    }

    /// All choices: what is done with them may hang on each.
    pub fn all(&self) -> &'w World {
        self.all.set(true);
        self.world
    }

    /// What was asked; `None`: all of it.
    pub fn asked(self) -> Option<Asked> {
        (!self.all.get()).then(|| self.asked.into_inner())
    }
}
