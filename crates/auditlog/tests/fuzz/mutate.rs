//! Inputs that are nearly right: true ones with a few changes, the same at every run.

/// What formats of this crate are made of, and what parsers trip over.
const TOKENS: [&str; 32] = [
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "\t",
    "\0",
    "\u{7f}",
    "\u{a0}",
    "\u{feff}",
    "\u{2028}",
    "— ",
    "+",
    "=",
    "==",
    "-",
    ".",
    "..",
    "/",
    "x001/",
    ".p/255",
    "0",
    "00",
    "256",
    "18446744073709551615",
    "18446744073709551616",
    "\"",
    "\\u0000",
    "\\ud800",
    "[0]",
    "{}",
    "[",
    "none",
];

/// SplitMix64: small, the same everywhere, and good enough to choose with.
pub struct Rng(u64);

impl Rng {
    /// A generator of its own for every name.
    pub fn named(name: &str) -> Rng {
        // FNV-1a.
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Rng(name.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, hash))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// One to four changes of `base`; now and then with a piece of `other`.
pub fn mutant(base: &[u8], other: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = base.to_vec();
    for _ in 0..=rng.below(4) {
        change(&mut bytes, other, rng);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = rng.below(bytes.len());
    match rng.below(12) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << rng.below(8),
        1 if !bytes.is_empty() => bytes[at] = rng.below(256) as u8,
        2 => bytes.insert(at, rng.below(256) as u8),
        3 => drop(bytes.drain(range(at, bytes.len(), rng))),
        4 => {
            let piece = bytes[range(at, bytes.len(), rng)].to_vec();
            let to = rng.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        5 => {
            let from = rng.below(other.len());
            let piece = other[range(from, other.len(), rng)].to_vec();
            let to = range(at, bytes.len(), rng);
            bytes.splice(to, piece);
        }
        6 => {
            let token = rng.pick(&TOKENS).bytes();
            let to = rng.below(2).min(bytes.len() - at);
            bytes.splice(at..at + to, token);
        }
        7 => bytes.truncate(at),
        8 | 9 => number(bytes, at, rng),
        10 => lines(bytes, rng),
        _ => like(bytes, at, rng),
    }
}

/// A short piece that begins at `at`, now and then a long one.
fn range(at: usize, len: usize, rng: &mut Rng) -> std::ops::Range<usize> {
    let most = if rng.below(4) == 0 {
        len - at
    } else {
        8.min(len - at)
    };
    at..at + rng.below(most + 1)
}

/// The first number from `at` on becomes another.
fn number(bytes: &mut Vec<u8>, at: usize, rng: &mut Rng) {
    let Some(start) = bytes[at..]
        .iter()
        .position(u8::is_ascii_digit)
        .map(|i| at + i)
    else {
        return;
    };
    let digits = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let text = std::str::from_utf8(&bytes[start..start + digits]).unwrap();
    let value: u64 = text.parse().unwrap_or(0);
    let changed = match rng.below(6) {
        0 => value.wrapping_add(1).to_string(),
        1 => value.wrapping_sub(1).to_string(),
        2 => format!("0{text}"),
        3 => rng.below(512).to_string(),
        4 => u64::MAX.to_string(),
        _ => "0".to_owned(),
    };
    bytes.splice(start..start + digits, changed.into_bytes());
}

/// A line goes, comes twice, or changes places with another.
fn lines(bytes: &mut Vec<u8>, rng: &mut Rng) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    if lines.is_empty() {
        return;
    }
    let (a, b) = (rng.below(lines.len()), rng.below(lines.len()));
    match rng.below(3) {
        0 => drop(lines.remove(a)),
        1 => lines.insert(b, lines[a].clone()),
        _ => lines.swap(a, b),
    }
    *bytes = lines.concat();
}

/// A byte becomes another of its kind, so that the form stays and the content does not.
fn like(bytes: &mut [u8], at: usize, rng: &mut Rng) {
    let Some(byte) = bytes.get_mut(at) else {
        return;
    };
    *byte = match *byte {
        b'0'..=b'9' => b'0' + rng.below(10) as u8,
        b'a'..=b'z' => b'a' + rng.below(26) as u8,
        b'A'..=b'Z' => b'A' + rng.below(26) as u8,
        other => other ^ rng.below(2) as u8,
    };
}
