//! Packed states: the component numbers of a state as one string of bits, each field as wide as its component needs.
//!
//! Bit 0 of a packed state is always set, so that a place of the visited table with bit 0 clear is free.

/// A string of bits of a fixed number of words.
pub trait Packed: Clone + Default + Eq + Send + Sync + std::fmt::Debug {
    /// The next wider string.
    type Wider: Packed;
    /// How many words it can have.
    const WORDS: usize;
    /// All bits clear, of at least so many words.
    fn zero(words: usize) -> Self;
    /// The words.
    fn words(&self) -> &[u64];
    /// The words, to be changed.
    fn words_mut(&mut self) -> &mut [u64];

    /// Whether this is a state and no free place.
    #[inline]
    fn is_taken(&self) -> bool {
        self.words().first().is_some_and(|w| w & 1 == 1)
    }

    /// A hash of all bits: each word is folded in by a wide multiplication (as in wyhash, Wang Yi 2019).
    #[inline]
    fn hash(&self) -> u64 {
        let mut h = SEED;
        for &word in self.words() {
            h = mix(h ^ word, PRIME);
        }
        mix(h, SEED)
    }

    /// Reads `width` bits, at most 64, from bit `at`.
    #[inline]
    fn bits(&self, at: u32, width: u32) -> u64 {
        if width == 0 {
            return 0;
        }
        let (index, shift) = ((at / 64) as usize, at % 64);
        let words = self.words();
        let mut value = words[index] >> shift;
        if shift + width > 64 {
            value |= words[index + 1] << (64 - shift);
        }
        value & (u64::MAX >> (64 - width))
    }

    /// Writes `width` bits, at most 64, at bit `at`.
    #[inline]
    fn put(&mut self, at: u32, width: u32, value: u64) {
        if width == 0 {
            return;
        }
        let (index, shift) = ((at / 64) as usize, at % 64);
        let mask = u64::MAX >> (64 - width);
        let words = self.words_mut();
        words[index] = words[index] & !(mask << shift) | value << shift;
        if shift + width > 64 {
            let over = 64 - shift;
            words[index + 1] = words[index + 1] & !(mask >> over) | value >> over;
        }
    }

    /// Moves `len` bits from bit `from` up by `by`; what stood there is overwritten.
    #[inline]
    fn up(&mut self, from: u32, len: u32, by: u32) {
        let mut left = len;
        while left > 0 {
            let piece = left.min(64);
            left -= piece;
            let bits = self.bits(from + left, piece);
            self.put(from + left + by, piece, bits);
        }
    }

    /// Moves `len` bits from bit `from` down by `by`.
    #[inline]
    fn down(&mut self, from: u32, len: u32, by: u32) {
        let mut done = 0;
        while done < len {
            let piece = (len - done).min(64);
            let bits = self.bits(from + done, piece);
            self.put(from + done - by, piece, bits);
            done += piece;
        }
    }
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const PRIME: u64 = 0xe703_7ed1_a0b4_28db;
const OTHER: u64 = 0x8ebc_6af0_9c88_c6e3;

/// The two halves of the product, folded.
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
#[inline]
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// So many words, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words<const W: usize>([u64; W]);

impl<const W: usize> Default for Words<W> {
    fn default() -> Self {
        Self([0; W])
    }
}

/// Any number of words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wide(Box<[u64]>);

macro_rules! chain {
    ($($words:literal => $wider:ty),*) => {$(
        impl Packed for Words<$words> {
            type Wider = $wider;
            const WORDS: usize = $words;
            fn zero(_: usize) -> Self {
                Self::default()
            }
            #[inline]
            fn words(&self) -> &[u64] {
                &self.0
            }
            #[inline]
            fn words_mut(&mut self) -> &mut [u64] {
                &mut self.0
            }
        }
    )*};
}

chain!(1 => Words<2>, 2 => Words<3>, 3 => Words<4>, 4 => Words<8>, 8 => Words<16>, 16 => Wide);

impl Packed for Wide {
    type Wider = Self;
    const WORDS: usize = usize::MAX;
    fn zero(words: usize) -> Self {
        Self(vec![0; words].into_boxed_slice())
    }
    fn words(&self) -> &[u64] {
        &self.0
    }
    fn words_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

/// A field of a packed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its first bit.
    pub at: u32,
    /// Its width in bits.
    pub width: u32,
}

/// Where each component of a state stands in its bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// By place.
    pub fields: Vec<Field>,
    /// How many words a state takes.
    pub words: usize,
    /// Whether states are told apart by fingerprints alone.
    pub prints: bool,
}

/// A fingerprint of a state: 127 bits and the one that says that a place is taken.
pub type Print = Words<2>;

/// So many random bits tell two states apart by their fingerprints.
pub const PRINT_BITS: i32 = 127;

/// States that should not change their format more often than has to be.
const MANY: usize = 1 << 13;

impl Format {
    /// As narrow as components with so many numbers each allow.
    pub fn new(sizes: &[u32]) -> Self {
        let mut at = 1;
        let mut fields = Vec::with_capacity(sizes.len());
        for &size in sizes {
            let width = 32 - size.saturating_sub(1).leading_zeros();
            fields.push(Field { at, width });
            at += width;
        }
        Self { fields, words: (at as usize).div_ceil(64), prints: false }
    }

    /// As narrow as components with so many numbers each allow. With many states, each of which has to change with the
    /// format, what has outgrown this one gets a bit more than it needs, if that takes no more words.
    #[must_use]
    pub fn grown(&self, sizes: &[u32], states: usize) -> Self {
        let narrow = Self::new(sizes);
        if states < MANY {
            return narrow;
        }
        let old = self.fields.iter().map(|f| f.width).chain(std::iter::repeat(0));
        let room = sizes.iter().zip(&narrow.fields).zip(old);
        let room =
            room.map(|((&size, new), old)| size << u32::from(old < new.width && size < 1 << 30));
        let roomy = Self::new(&room.collect::<Vec<_>>());
        if roomy.words == narrow.words { roomy } else { narrow }
    }

    /// The same, with fingerprints where they are asked for and shorter than what they stand for.
    #[must_use]
    pub fn printed(self, asked: bool) -> Self {
        Self { prints: asked && self.words > Print::WORDS, ..self }
    }

    /// The fingerprint of a state: of its numbers, so that it stays when fields become wider. Two chains of wide
    /// multiplications that share nothing but the numbers.
    pub fn print<P: Packed>(&self, packed: &P) -> Print {
        let (mut a, mut b) = (SEED, PRIME);
        for field in &self.fields {
            let number = packed.bits(field.at, field.width);
            a = mix(a ^ number, PRIME);
            b = mix(b ^ number, OTHER).rotate_left(23);
        }
        Words([mix(a, SEED) | 1, mix(b, PRIME)])
    }

    /// The shard of a state.
    #[inline]
    pub fn shard<P: Packed>(&self, state: &P, shards: usize) -> usize {
        let hash = if self.prints { self.print(state).0[1] } else { state.hash() };
        low(hash) % shards
    }

    /// Whether components with so many numbers each have room.
    pub fn holds(&self, sizes: &[u32]) -> bool {
        let fits = |(&size, field): (&u32, &Field)| {
            32 - size.saturating_sub(1).leading_zeros() <= field.width
        };
        sizes.len() == self.fields.len() && sizes.iter().zip(&self.fields).all(fits)
    }

    /// The bits of a state.
    pub fn pack<P: Packed>(&self, state: &[u32]) -> P {
        let mut packed = P::zero(self.words);
        packed.put(0, 1, 1);
        for (&value, field) in state.iter().zip(&self.fields) {
            packed.put(field.at, field.width, u64::from(value));
        }
        packed
    }

    /// The components of a state.
    pub fn unpack<P: Packed>(&self, packed: &P, state: &mut Vec<u32>) {
        state.clear();
        let mut words = packed.words().iter().copied();
        let mut word = words.next().unwrap_or(0) >> 1;
        let mut left = 63;
        state.extend(self.fields.iter().map(|field| {
            let mask = (1u64 << field.width) - 1;
            let mut value = word;
            if left >= field.width {
                word >>= field.width;
                left -= field.width;
            } else {
                let more = words.next().unwrap_or(0);
                value |= more << left;
                word = more >> (field.width - left);
                left += 64 - field.width;
            }
            number(value & mask)
        }));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only the low bits are wanted")]
fn low(hash: u64) -> usize {
    hash as usize
}

#[expect(clippy::cast_possible_truncation, reason = "no field is wider than 32 bits")]
fn number(bits: u64) -> u32 {
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<P: Packed>(sizes: &[u32]) {
        let format = Format::new(sizes);
        assert!(format.words <= P::WORDS);
        let mut back = Vec::new();
        for round in 0u32..50 {
            let state: Vec<u32> = (0u32..)
                .zip(sizes)
                .map(|(i, s)| i.wrapping_mul(2_654_435_761).wrapping_add(round * 977) % s)
                .collect();
            let packed: P = format.pack(&state);
            assert!(packed.is_taken() && !P::zero(format.words).is_taken());
            format.unpack(&packed, &mut back);
            assert_eq!(state, back);
        }
        assert!(format.holds(sizes));
        let mut more = sizes.to_vec();
        *more.last_mut().unwrap() *= 2;
        assert!(!format.holds(&more));
    }

    #[test]
    fn states_come_back_as_they_were() {
        round_trip::<Words<1>>(&[1, 7, 9, 22, 22, 22, 3]);
        round_trip::<Words<2>>(&[5; 40]);
        round_trip::<Words<3>>(&[9, 1, 70_000, 70_001, 70_002, 4_000_000_000, 17, 33, 900, 4]);
        round_trip::<Wide>(&[77; 300]);
    }

    #[test]
    fn bits_move_without_touching_their_neighbours() {
        // Against moving them one by one.
        for (from, len, by) in [(3, 100, 5), (1, 64, 1), (60, 10, 7), (5, 0, 3), (90, 70, 11)] {
            let mut packed = Words::<4>([0x0123_4567_89ab_cdef; 4]);
            packed.0[2] = 0xfeed_face_dead_beef;
            let bit = |p: &Words<4>, at: u32| p.bits(at, 1);
            let (mut up, mut down) = (packed, packed);
            up.up(from, len, by);
            down.down(from + by, len, by);
            for at in 0..256 {
                let want = if (from + by..from + by + len).contains(&at) { at - by } else { at };
                assert_eq!(bit(&up, at), bit(&packed, want), "up {from} {len} {by} at {at}");
                let want = if (from..from + len).contains(&at) { at + by } else { at };
                assert_eq!(bit(&down, at), bit(&packed, want), "down {from} {len} {by} at {at}");
            }
        }
    }
}
