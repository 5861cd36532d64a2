//! Checkpoints: a search that had to stop, written down so that the same search goes on from there.
//!
//! States are kept as their bits. What the numbers in them stand for is not: the engine gives them in the order in which
//! it learns, so the states about which it learned are kept, in that order, and shown to it again. Nothing here opens a
//! file: a [`Keeper`] has the place and sees to it that what it gives back is whole.

use super::engine::State;
use super::packed::{Field, Format, Packed, Print};
use super::visited::SHARDS;
use super::work::Work;
use std::io::{self, Read, Write};

/// States expanded before the first checkpoint; later ones when a quarter more have been.
pub const FIRST: usize = 1 << 22;

/// Where checkpoints are kept. Searches are told apart by a number that says what is searched.
pub trait Keeper: Sync {
    /// What was kept of a search.
    fn load(&self, search: u64) -> Option<Box<dyn Read + '_>>;
    /// Keeps what is written, in place of what was kept before.
    fn save(&self, search: u64, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>);
    /// The search is over; nothing has to be kept of it.
    fn complete(&self, search: u64);
}

/// Something that taught the engine new numbers, or found something that only the state itself tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// All moves of the state were learned.
    Learned(State),
    /// Each of its moves was taken.
    Taken(State),
    /// An end in which something new was found.
    Ended(State),
}

fn number(out: &mut dyn Write, n: u64) -> io::Result<()> {
    out.write_all(&n.to_le_bytes())
}

fn state(out: &mut dyn Write, state: &[u32]) -> io::Result<()> {
    number(out, state.len() as u64)?;
    state.iter().try_for_each(|n| out.write_all(&n.to_le_bytes()))
}

fn packed<'a, P: Packed + 'a>(
    out: &mut dyn Write,
    words: usize,
    states: impl ExactSizeIterator<Item = &'a P>,
) -> io::Result<()> {
    number(out, states.len() as u64)?;
    for state in states {
        state.words()[..words].iter().try_for_each(|&word| number(out, word))?;
    }
    Ok(())
}

/// What comes before the states: all that does not depend on how wide they are.
pub fn write_head(
    out: &mut dyn Write,
    (explored, transitions): (usize, u64),
    lessons: &[Lesson],
    format: &Format,
) -> io::Result<()> {
    number(out, explored as u64)?;
    number(out, transitions)?;
    number(out, lessons.len() as u64)?;
    for lesson in lessons {
        let (kind, about) = match lesson {
            Lesson::Learned(about) => (0, about),
            Lesson::Taken(about) => (1, about),
            Lesson::Ended(about) => (2, about),
        };
        number(out, kind)?;
        state(out, about)?;
    }
    number(out, u64::from(format.prints))?;
    let widths: Vec<u32> = format.fields.iter().map(|f| f.width).collect();
    state(out, &widths)
}

/// The states.
pub fn write_work<P: Packed>(out: &mut dyn Write, work: &Work<P>) -> io::Result<()> {
    let words = work.format.words;
    for shard in &work.seen.shards {
        let (exact, prints) = shard.counts();
        number(out, exact as u64)?;
        for state in shard.states() {
            state.words()[..words].iter().try_for_each(|&word| number(out, word))?;
        }
        number(out, prints as u64)?;
        for print in shard.prints() {
            print.words().iter().try_for_each(|&word| number(out, word))?;
        }
        packed(out, words, shard.fresh.iter())?;
    }
    packed(out, words, work.layer[work.next..].iter())?;
    for list in [work.late.iter().collect::<Vec<_>>(), work.loose.iter().collect()] {
        number(out, list.len() as u64)?;
        list.into_iter().try_for_each(|s| state(out, s))?;
    }
    Ok(())
}

/// Reads what [`write_head`] wrote: states expanded, transitions, lessons, and how states are packed.
pub fn read_head(from: &mut dyn Read) -> io::Result<(usize, u64, Vec<Lesson>, Format)> {
    let explored = count(from)?;
    let transitions = one(from)?;
    let lessons = (0..count(from)?).map(|_| {
        let kind = one(from)?;
        let about = numbers(from)?;
        Ok(match kind {
            0 => Lesson::Learned(about),
            1 => Lesson::Taken(about),
            _ => Lesson::Ended(about),
        })
    });
    let lessons: io::Result<Vec<Lesson>> = lessons.collect();
    let lessons = lessons?;
    let prints = one(from)? == 1;
    let mut at = 1;
    let field = |width: u32| {
        let field = Field { at, width };
        at += width;
        field
    };
    let fields: Vec<Field> = numbers(from)?.into_iter().map(field).collect();
    let words = (at as usize).div_ceil(64);
    Ok((explored, transitions, lessons, Format { fields, words, prints }))
}

/// Reads what [`write_work`] wrote, into empty work of the format.
pub fn read_work<P: Packed>(from: &mut dyn Read, work: &mut Work<P>) -> io::Result<()> {
    let words = work.format.words;
    for at in 0..SHARDS {
        for _ in 0..count(from)? {
            let state: P = bits(from, words)?;
            work.seen.insert(&state, &work.format);
        }
        for _ in 0..count(from)? {
            work.seen.shards[at].insert_print(bits::<Print>(from, Print::WORDS)?);
        }
        // What is read back is not new.
        work.seen.shards[at].fresh.clear();
        for _ in 0..count(from)? {
            let state = bits(from, words)?;
            work.seen.shards[at].fresh.push(state);
        }
    }
    for _ in 0..count(from)? {
        work.layer.push(bits(from, words)?);
    }
    for _ in 0..count(from)? {
        work.late.push_back(numbers(from)?);
    }
    for _ in 0..count(from)? {
        work.loose.push(numbers(from)?);
    }
    Ok(())
}

fn one(from: &mut dyn Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn count(from: &mut dyn Read) -> io::Result<usize> {
    usize::try_from(one(from)?).map_err(io::Error::other)
}

fn numbers(from: &mut dyn Read) -> io::Result<Vec<u32>> {
    let len = one(from)?;
    let each = |_| {
        let mut bytes = [0; 4];
        from.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    };
    (0..len).map(each).collect()
}

fn bits<P: Packed>(from: &mut dyn Read, words: usize) -> io::Result<P> {
    let mut state = P::zero(words);
    for word in &mut state.words_mut()[..words] {
        *word = one(from)?;
    }
    Ok(state)
}
