//! A small generator whose numbers never change: PCG-XSH-RR 64/32 (O'Neill 2014), seeded by schedule.

/// The multiplier of the linear congruence (Knuth, MMIX).
const MULTIPLIER: u64 = 6_364_136_223_846_793_005;

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
    stream: u64,
}

impl Random {
    /// The stream of a schedule: a function of the seed and the schedule's number alone.
    pub(super) fn new(seed: u64, schedule: u64) -> Self {
        let mut random = Self { state: 0, stream: (mix(schedule) << 1) | 1 };
        random.next();
        random.state = random.state.wrapping_add(mix(seed ^ mix(schedule)));
        random.next();
        random
    }

    /// 32 random bits.
    pub(super) fn next(&mut self) -> u32 {
        let old = self.state;
        self.state = old.wrapping_mul(MULTIPLIER).wrapping_add(self.stream);
        let word = u32::try_from((((old >> 18) ^ old) >> 27) & 0xffff_ffff).unwrap_or_default();
        word.rotate_right(u32::try_from(old >> 59).unwrap_or_default())
    }

    /// A number below `n` (which is above 0), each as likely (Lemire 2019).
    pub(super) fn below(&mut self, n: u32) -> u32 {
        let mut product = u64::from(self.next()) * u64::from(n);
        let least = n.wrapping_neg() % n;
        while product & 0xffff_ffff < u64::from(least) {
            product = u64::from(self.next()) * u64::from(n);
        }
        u32::try_from(product >> 32).unwrap_or_default()
    }

    /// A priority.
    pub(super) fn priority(&mut self) -> u64 {
        u64::from(self.next()) << 32 | u64::from(self.next())
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014).
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_what_they_are_and_are_spread_evenly() {
        let mut random = Random::new(1, 0);
        let first: Vec<u32> = (0..3).map(|_| random.next()).collect();
        let mut again = Random::new(1, 0);
        assert_eq!(first, (0..3).map(|_| again.next()).collect::<Vec<_>>());
        assert_ne!(first[0], Random::new(1, 1).next());
        assert_ne!(first[0], Random::new(2, 0).next());
        let mut counts = [0_u32; 6];
        for schedule in 0..6000 {
            counts[Random::new(7, schedule).below(6) as usize] += 1;
        }
        // Six standard deviations of a fair die.
        assert!(counts.iter().all(|&n| (827..1173).contains(&n)), "{counts:?}");
    }
}
