//! The page's frame, and that its policy fits what it carries.

use super::*;
use crate::finding::sample;

#[test]
fn the_policy_names_what_the_page_carries() {
    assert_eq!((STYLE_HASH, SCRIPT_HASH), (&*base64(&sha256(STYLE)), &*base64(&sha256(SCRIPT))));
    assert_eq!(
        base64(&sha256("abc")),
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        "FIPS 180-4"
    );
}

#[test]
fn the_page_is_complete_without_its_script() {
    let page = report(&sample::report());
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!page.contains(" style=") && !page.contains("javascript:"), "nothing inline");
    for part in [
        "id=\"f1-step-4\"",
        "computed from 5; the item already said 6, so it should have written 7",
        "One swap: let order[2] finish Update_item before order[1] runs Get_item",
        ">lost</text>",
        "races: <a href=\"#f1-step-3\">step 3</a>, <a href=\"#f1-step-4\">step 4 ✗</a>",
        "<th scope=\"col\">order[1] has read</th>",
        "class=\"step moved\"",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // What the killer does to the other write shows with the killer.
    assert!(page.contains("<g class=\"loss\" data-step=\"4\">"), "{page}");
}

/// SHA-256 (FIPS 180-4), for the two hashes above only.
fn sha256(text: &str) -> Vec<u8> {
    let primes = (2_u64..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    let fraction = |root: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "32 bits of a fraction"
        )]
        let bits = (root.fract() * 4_294_967_296.0) as u32;
        bits
    };
    #[expect(clippy::cast_precision_loss, reason = "the primes are below 400")]
    let primes: Vec<f64> = primes.take(64).map(|n| n as f64).collect();
    let rounds: Vec<u32> = primes.iter().map(|n| fraction(n.cbrt())).collect();
    let mut hash: Vec<u32> = primes[..8].iter().map(|n| fraction(n.sqrt())).collect();
    let mut bytes = text.as_bytes().to_vec();
    let bits = u64::try_from(bytes.len()).unwrap() * 8;
    bytes.push(0x80);
    while bytes.len() % 64 != 56 {
        bytes.push(0);
    }
    bytes.extend(bits.to_be_bytes());
    for block in bytes.chunks(64) {
        let mut w: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        for i in 16..64 {
            let a = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let b = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w.push(w[i - 16].wrapping_add(a).wrapping_add(w[i - 7]).wrapping_add(b));
        }
        let mut v = hash.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let sum =
                [s1, choice, rounds[i], w[i]].iter().fold(v[7], |sum, x| sum.wrapping_add(*x));
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(sum);
            v[0] = sum.wrapping_add(s0).wrapping_add(majority);
        }
        hash = hash.iter().zip(&v).map(|(a, b)| a.wrapping_add(*b)).collect();
    }
    hash.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn base64(bytes: &[u8]) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_usize, |word, b| word << 8 | usize::from(*b))
            << (8 * (3 - three.len()));
        for n in 0..4 {
            out.push(if n <= three.len() {
                char::from(digits[word >> (18 - 6 * n) & 63])
            } else {
                '='
            });
        }
    }
    out
}
