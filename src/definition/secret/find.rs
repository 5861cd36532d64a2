//! Where secrets are in a text: by what stands before them, or by their own shape.

use super::sql::compared;
use std::ops::Range;

/// Before a secret in an address: `?sig=…`.
const QUERIES: &[&str] = &[
    "sig",
    "code",
    "key",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "api_key",
    "apikey",
    "api-key",
    "subscription-key",
    "client_secret",
    "client_assertion",
    "password",
    "pwd",
    "secret",
    "sas",
];
/// Before a secret in a connection string: `AccountKey=…;`.
const SETTINGS: &[&str] = &[
    "accountkey",
    "sharedaccesskey",
    "sharedaccesssignature",
    "accesskey",
    "password",
    "pwd",
    "clientsecret",
    "client_secret",
    "client secret",
    "secretkey",
    "sharedsecret",
];
/// Before a secret in a header or a webhook's address.
const MARKERS: &[&str] = &[
    "sharedkey ",
    "sharedaccesssignature ",
    "hooks.slack.com/services/",
    "webhook.office.com/webhookb2/",
];
/// How tokens of well-known services begin.
const TOKENS: &[&str] =
    &["ghp_", "gho_", "ghs_", "github_pat_", "xoxb-", "xoxp-", "xoxa-", "sk-", "AKIA", "glpat-"];
/// The shortest text that is taken for a token by its beginning.
const SHORTEST: usize = 16;
/// The shortest base64 text with padding that is taken for a key.
const KEY: usize = 40;

/// The secrets of a text, in order, apart from each other; some are `known`.
pub(super) fn find(text: &str, known: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found = known;
    compared(text, &mut found);
    for name in QUERIES {
        named(&lower, name, b"?&", &mut found);
    }
    for name in SETTINGS {
        named(&lower, name, b"?&; \t\r\n\"'", &mut found);
    }
    for marker in MARKERS {
        found.extend(lower.match_indices(marker).map(|(at, _)| till_end(text, at + marker.len())));
    }
    schemes(text, &lower, &mut found);
    quoted(text, &mut found);
    user(text, &mut found);
    for word in words(text) {
        let own = &text[word.clone()];
        let begins = TOKENS.iter().any(|token| own.starts_with(token)) && own.len() >= SHORTEST;
        // Application secrets of Entra ID.
        let entra = own.len() >= 34 && own.get(3..6).is_some_and(|mark| mark.ends_with("Q~"));
        if begins || entra || is_web_token(own) || is_key(own) {
            found.push(word);
        }
    }
    merged(found)
}

/// `name=…`, the name after one of these bytes or at the start.
fn named(lower: &str, name: &str, before: &[u8], found: &mut Vec<Range<usize>>) {
    for (at, _) in lower.match_indices(name) {
        let starts = at == 0 || before.contains(&lower.as_bytes()[at - 1]);
        let rest = lower[at + name.len()..].trim_start_matches(' ');
        if let (true, Some(value)) = (starts, rest.strip_prefix('=')) {
            let value = value.trim_start_matches(' ');
            found.push(till_end(lower, lower.len() - value.len()));
        }
    }
}

/// From here to the end of a value.
fn till_end(text: &str, from: usize) -> Range<usize> {
    let rest = &text[from..];
    let ends = |c: char| c.is_whitespace() || "&;\"'<>(),|#\\".contains(c);
    let end = rest.find(ends).unwrap_or(rest.len());
    from..from + end.min(rest.find("@{").unwrap_or(end))
}

/// What comes after `Bearer ` and `Basic `. In running text the next word may be an ordinary one.
fn schemes(text: &str, lower: &str, found: &mut Vec<Range<usize>>) {
    for scheme in ["bearer ", "basic "] {
        for (at, _) in lower.match_indices(scheme) {
            let value = till_end(text, at + scheme.len());
            let ordinary = text[value.clone()].chars().all(|c| c.is_ascii_lowercase() || c == '.');
            let apart = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
            if apart && (at == 0 || !ordinary) {
                found.push(value);
            }
        }
    }
}

/// `"password": "…"` in JSON that is a text.
fn quoted(text: &str, found: &mut Vec<Range<usize>>) {
    let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
    for pair in quotes.windows(2) {
        let name = text[pair[0] + 1..pair[1]].trim_end_matches('\\');
        if name.len() > 60 || !super::is_secret_key(name) {
            continue;
        }
        let after = text[pair[1] + 1..].trim_start();
        let Some(value) = after.strip_prefix(':') else { continue };
        let value = value.trim_start().trim_start_matches('\\');
        let Some(value) = value.strip_prefix('"') else { continue };
        let from = text.len() - value.len();
        let end = value.find('"').unwrap_or(value.len());
        let end = end.min(value.find("@{").unwrap_or(end));
        found.push(from..from + value[..end].trim_end_matches('\\').len());
    }
}

/// The password in `https://user:password@host`.
fn user(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, _) in text.match_indices("://") {
        let from = at + 3;
        let rest = &text[from..];
        let authority = &rest[..rest.find(['/', '?', '#', ' ', '"', '\'']).unwrap_or(rest.len())];
        let user = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        if let Some((name, password)) = user {
            let start = from + name.len() + 1;
            found.push(start..start + password.len());
        }
    }
}

/// Runs of the letters that tokens are made of.
fn words(text: &str) -> Vec<Range<usize>> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"-_.~+/=".contains(&b);
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut start = None;
    for at in 0..=bytes.len() {
        match (start, bytes.get(at).is_some_and(|b| inside(*b))) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                found.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    found
}

/// A JSON web token: three parts in base64url, the first an object.
fn is_web_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let base64 =
        |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let [first, second, third] = parts.as_slice() else { return false };
    let long = [first, second, third].iter().all(|part| part.len() >= SHORTEST);
    parts.iter().all(base64) && (long || (first.starts_with("eyJ") && second.len() >= 4))
}

/// A key in base64: long, padded, no address.
fn is_key(word: &str) -> bool {
    let bare = word.trim_end_matches('=');
    let padded = (1..=2).contains(&(word.len() - bare.len()));
    padded && word.len() >= KEY && !bare.contains(['=', '.', '~'])
}

/// Sorted, empty ones left out, those that overlap made one.
fn merged(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.retain(|range| !range.is_empty());
    found.sort_by_key(|range| (range.start, range.end));
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in found {
        match out.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}
