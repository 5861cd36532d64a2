//! What random schedules earned: how likely it is that something was missed.

use super::{Fuzz, Fuzzed, Strategy};

/// What can be said after some schedules.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// By depth from 1: the probability, at most, that a race of this depth was missed. PCT finds one with 1/(n·k^(d−1))
    /// or more in each schedule of depth d, n processes and k steps (Burckhardt et al. 2010). Empty where this does not
    /// hold: other strategies, and where something beside the order was drawn.
    pub missed: Vec<f64>,
    /// The share of schedules, about, that would end as none has yet: outcomes met once, of all schedules (Good 1953).
    pub unseen: f64,
}

impl Bound {
    /// The bound that a fuzz earned.
    pub fn of(found: &Fuzzed, asked: &Fuzz) -> Self {
        let once = found.outcomes.values().filter(|&&n| n == 1).count();
        #[expect(clippy::cast_precision_loss, reason = "a share, shown with two digits")]
        let unseen = once as f64 / found.schedules.max(1) as f64;
        let mut missed = Vec::new();
        if asked.strategy == Strategy::Pct && !found.chance {
            for depth in 1..=asked.depth {
                // Changes are drawn from so many steps; a longer schedule is beyond the theorem.
                if depth > 1 && found.longest > found.drawn {
                    break;
                }
                missed.push(one_depth(found, asked, depth));
            }
        }
        Self { missed, unseen }
    }
}

fn one_depth(found: &Fuzzed, asked: &Fuzz, depth: u32) -> f64 {
    let rounds = found.schedules / u64::from(asked.depth);
    let rest = found.schedules % u64::from(asked.depth);
    let tried = rounds + u64::from(u64::from(depth) <= rest);
    if tried == 0 {
        return 1.0;
    }
    let power = i32::try_from(depth - 1).unwrap_or(i32::MAX);
    let ways = f64::from(found.processes.max(1)) * f64::from(found.drawn.max(1)).powi(power);
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let tried = tried as f64;
    (tried * (-1.0 / ways).ln_1p()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_theorem_s() {
        let found =
            Fuzzed { schedules: 300, processes: 2, drawn: 4, longest: 4, ..Fuzzed::default() };
        let asked = Fuzz::default();
        let missed = Bound::of(&found, &asked).missed;
        let expected =
            [0.5_f64.powi(100), (1.0 - 1.0 / 8.0_f64).powi(100), (1.0 - 1.0 / 32.0_f64).powi(100)];
        assert!(missed.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{missed:?}");
        let longer = Fuzzed { longest: 5, ..found };
        assert_eq!(Bound::of(&longer, &asked).missed.len(), 1);
        assert!(Bound::of(&Fuzzed { chance: true, ..longer }, &asked).missed.is_empty());
    }
}
