//! Postings: which events a query finds by one term, in the form in which the database keeps them.
//!
//! A *term* is one fact that events are asked for, such as "the business step is shipping", in eight
//! bytes. A capture leaves one [`BatchIndex`]: all terms of its events. From many of these a later step
//! makes rows of one term each, for one minute of event time and one of record time: a term that a
//! thousand events share costs one row, and a page of answers in either order is read from the minute
//! where it begins.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use auditlog::Hash;
use uuid::Uuid;

use super::statement::StatementId;

const MINUTE_MS: i64 = 60_000;
const VERSION: u8 = 1;

/// Eight bytes of SHA-256 over a field's name and value. Two facts may share them by chance; whoever
/// finds an event by a term looks at the event itself afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub i64);

impl Term {
    /// The fact that `field` has `value`.
    pub fn of(field: &str, value: &str) -> Term {
        // A field's name holds no zero byte, so no two facts have the same bytes.
        Term::hash(&[field.as_bytes(), b"\0", value.as_bytes()])
    }

    /// The fact that there is a `field` at all.
    pub fn exists(field: &str) -> Term {
        Term::hash(&[field.as_bytes()])
    }

    fn hash(parts: &[&[u8]]) -> Term {
        let hash = Hash::of(parts).0;
        let mut head = [0; 8];
        head.copy_from_slice(&hash[..8]);
        Term(i64::from_be_bytes(head))
    }
}

/// Vocabularies whose words are listed for whoever asks what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum WordKind {
    /// `bizStep`
    BizStep = 1,
    /// `disposition`
    Disposition = 2,
    /// `bizLocation`
    BizLocation = 3,
    /// `readPoint`
    ReadPoint = 4,
    /// `type`
    EventType = 5,
    /// The GS1 company prefix of a URN, which a Digital Link does not show.
    CompanyPrefix = 6,
    /// What a prefix stands for, as `prefix=namespace`.
    Namespace = 7,
}

impl WordKind {
    /// Every kind.
    pub const ALL: [WordKind; 7] = [
        WordKind::BizStep,
        WordKind::Disposition,
        WordKind::BizLocation,
        WordKind::ReadPoint,
        WordKind::EventType,
        WordKind::CompanyPrefix,
        WordKind::Namespace,
    ];

    /// The number under which the database keeps it.
    pub fn code(self) -> i16 {
        self as i16
    }

    fn from_byte(byte: u8) -> Option<WordKind> {
        WordKind::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// An event that was found, with the two times that answers are ordered by, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Posting {
    /// When it happened.
    pub event_ms: i64,
    /// When it was captured.
    pub recorded_ms: i64,
    /// Where it is stored.
    pub id: StatementId,
}

/// What the database holds is not what was written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no postings")]
pub struct NoPostings;

/// All terms of the events of one batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchIndex {
    /// Position in the batch and time of each event, by position.
    events: Vec<(i32, i64)>,
    /// The places in `events` of those that have a term, ascending.
    terms: BTreeMap<Term, Vec<u32>>,
    /// Words that its events use.
    words: BTreeMap<WordKind, BTreeSet<String>>,
}

impl BatchIndex {
    /// Adds an event; positions ascend. Terms may repeat.
    pub fn push(&mut self, position: i32, event_ms: i64, terms: impl IntoIterator<Item = Term>) {
        debug_assert!(self.events.last().is_none_or(|last| last.0 < position));
        let place = self.events.len() as u32;
        self.events.push((position, event_ms));
        for term in terms {
            let places = self.terms.entry(term).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }

    /// Replaces the terms of the event at a position; `None` if there is no such event.
    pub fn replace(&mut self, position: i32, terms: impl IntoIterator<Item = Term>) -> Option<()> {
        let place = self.events.binary_search_by_key(&position, |event| event.0);
        let place = place.ok()? as u32;
        self.terms.retain(|_, places| {
            places.retain(|other| *other != place);
            !places.is_empty()
        });
        for term in terms {
            let places = self.terms.entry(term).or_default();
            if let Err(before) = places.binary_search(&place) {
                places.insert(before, place);
            }
        }
        Some(())
    }

    /// Adds a word that an event uses.
    pub fn push_word(&mut self, kind: WordKind, word: &str) {
        let words = self.words.entry(kind).or_default();
        // Most events of a batch use the same words.
        if !words.contains(word) {
            words.insert(word.to_owned());
        }
    }

    /// Whether it has no event.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The words that its events use, each once.
    pub fn words(&self) -> impl Iterator<Item = (WordKind, &str)> {
        self.words
            .iter()
            .flat_map(|(kind, words)| words.iter().map(|word| (*kind, word.as_str())))
    }

    /// Every term with its events.
    pub fn postings(
        &self,
        batch_id: Uuid,
        recorded_ms: i64,
    ) -> impl Iterator<Item = (Term, Posting)> {
        self.terms.iter().flat_map(move |(term, places)| {
            places.iter().map(move |place| {
                let (position, event_ms) = self.events[*place as usize];
                let id = StatementId { batch_id, position };
                let posting = Posting {
                    event_ms,
                    recorded_ms,
                    id,
                };
                (*term, posting)
            })
        })
    }

    /// As the database keeps it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put(&mut out, self.events.len() as u64);
        let mut previous = 0;
        for (position, event_ms) in &self.events {
            put(&mut out, (position - previous) as u64);
            put(&mut out, zigzag(*event_ms));
            previous = *position;
        }
        put(&mut out, self.terms.len() as u64);
        for (term, places) in &self.terms {
            out.extend(term.0.to_be_bytes());
            put(&mut out, places.len() as u64);
            let mut previous = 0;
            for place in places {
                put(&mut out, u64::from(place - previous));
                previous = *place;
            }
        }
        put(&mut out, self.words().count() as u64);
        for (kind, word) in self.words() {
            out.push(kind as u8);
            put(&mut out, word.len() as u64);
            out.extend(word.as_bytes());
        }
        out
    }

    /// Reads [`BatchIndex::encode`].
    pub fn decode(bytes: &[u8]) -> Result<BatchIndex, NoPostings> {
        let mut from = Reader::new(bytes)?;
        let mut index = BatchIndex::default();
        from.events(|position, event_ms| index.events.push((position, event_ms)))?;
        for _ in 0..from.count()? {
            let (term, count) = from.term()?;
            let mut places = Vec::new();
            let mut place = 0_u32;
            for _ in 0..count {
                let step = u32::try_from(from.number()?).map_err(|_| NoPostings)?;
                place = place.checked_add(step).ok_or(NoPostings)?;
                if place as usize >= index.events.len() {
                    return Err(NoPostings);
                }
                places.push(place);
            }
            index.terms.insert(term, places);
        }
        for _ in 0..from.count()? {
            let (kind, word) = from.word()?;
            index.words.entry(kind).or_default().insert(word.to_owned());
        }
        from.end()?;
        // Only one form is accepted, so that a changed byte cannot hide.
        if index.encode() == bytes {
            Ok(index)
        } else {
            Err(NoPostings)
        }
    }
}

/// The minutes that a row of postings is for, since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minutes {
    /// Of the events' times.
    pub event: i64,
    /// Of the times they were recorded.
    pub recorded: i64,
}

impl Minutes {
    /// Those of a posting.
    pub fn of(posting: &Posting) -> Minutes {
        Minutes {
            event: minute(posting.event_ms),
            recorded: minute(posting.recorded_ms),
        }
    }
}

/// The minute of a time in milliseconds.
pub fn minute(ms: i64) -> i64 {
    ms.div_euclid(MINUTE_MS)
}

/// Writes the postings of one term in one pair of minutes.
pub fn encode_row(minutes: Minutes, postings: &mut [Posting]) -> Vec<u8> {
    postings.sort_unstable_by_key(|posting| (posting.id, posting.event_ms));
    let mut out = vec![VERSION];
    for group in postings.chunk_by(|a, b| a.id.batch_id == b.id.batch_id) {
        let first = &group[0];
        out.extend(first.id.batch_id.as_bytes());
        put(&mut out, offset(first.recorded_ms, minutes.recorded));
        put(&mut out, group.len() as u64);
        let mut previous = 0;
        for posting in group {
            put(&mut out, (posting.id.position - previous) as u64);
            put(&mut out, offset(posting.event_ms, minutes.event));
            previous = posting.id.position;
        }
    }
    out
}

/// Reads [`encode_row`].
pub fn decode_row(
    minutes: Minutes,
    bytes: &[u8],
    out: &mut Vec<Posting>,
) -> Result<(), NoPostings> {
    each_of_row(minutes, bytes, |posting| out.push(posting))
}

/// Reads [`encode_row`] one posting at a time: a row of a busy minute has many, of which few are wanted.
pub fn each_of_row(
    minutes: Minutes,
    bytes: &[u8],
    mut each: impl FnMut(Posting),
) -> Result<(), NoPostings> {
    let mut from = Reader::new(bytes)?;
    let time = |minute: i64, offset: u64| {
        let offset = i64::try_from(offset).ok().filter(|ms| *ms < MINUTE_MS);
        let start = minute.checked_mul(MINUTE_MS);
        start.zip(offset).map(|(start, ms)| start + ms)
    };
    while !from.is_at_end() {
        let batch_id = Uuid::from_bytes(from.bytes()?);
        let recorded_ms = time(minutes.recorded, from.number()?).ok_or(NoPostings)?;
        let mut position = 0_i32;
        for _ in 0..from.count()? {
            let step = i32::try_from(from.number()?).map_err(|_| NoPostings)?;
            position = position.checked_add(step).ok_or(NoPostings)?;
            let event_ms = time(minutes.event, from.number()?).ok_or(NoPostings)?;
            each(Posting {
                event_ms,
                recorded_ms,
                id: StatementId { batch_id, position },
            });
        }
    }
    Ok(())
}

/// Which terms a query looks for in batches that are not merged yet: of each of its conditions, one.
#[derive(Debug, Clone, Default)]
pub struct WantedTerms {
    bits: HashMap<Term, u64>,
    conditions: u32,
}

impl WantedTerms {
    /// Adds a condition: an event must have one of `terms`. Only the first 64 are looked at, which finds
    /// too much and never too little.
    pub fn add(&mut self, terms: &[Term]) {
        let Some(bit) = 1_u64.checked_shl(self.conditions) else {
            return;
        };
        self.conditions += 1;
        for term in terms {
            *self.bits.entry(*term).or_default() |= bit;
        }
    }

    /// Whether an event with terms of these bits fulfils every condition.
    fn is_met(&self, bits: u64) -> bool {
        bits.count_ones() == self.conditions
    }
}

/// Finds events in a [`BatchIndex`] as the database keeps it. None is made: its maps would take ten times
/// the memory of the bytes.
pub fn find_in_batch(
    bytes: &[u8],
    batch_id: Uuid,
    recorded_ms: i64,
    wanted: &WantedTerms,
    mut each: impl FnMut(Posting),
) -> Result<(), NoPostings> {
    let mut from = Reader::new(bytes)?;
    let mut events = Vec::new();
    from.events(|position, event_ms| events.push((position, event_ms, 0_u64)))?;
    for _ in 0..from.count()? {
        let (term, count) = from.term()?;
        let bits = wanted.bits.get(&term).copied().unwrap_or(0);
        let mut place = 0_usize;
        for _ in 0..count {
            let step = usize::try_from(from.number()?).map_err(|_| NoPostings)?;
            place = place.checked_add(step).ok_or(NoPostings)?;
            events.get_mut(place).ok_or(NoPostings)?.2 |= bits;
        }
    }
    for (position, event_ms, bits) in events {
        if wanted.is_met(bits) {
            each(Posting {
                event_ms,
                recorded_ms,
                id: StatementId { batch_id, position },
            });
        }
    }
    Ok(())
}

/// The words of a [`BatchIndex`] as the database keeps it.
pub fn words_in_batch(
    bytes: &[u8],
    mut each: impl FnMut(WordKind, &str),
) -> Result<(), NoPostings> {
    let mut from = Reader::new(bytes)?;
    from.events(|_, _| ())?;
    for _ in 0..from.count()? {
        let (_, count) = from.term()?;
        for _ in 0..count {
            from.number()?;
        }
    }
    for _ in 0..from.count()? {
        let (kind, word) = from.word()?;
        each(kind, word);
    }
    from.end()
}

fn offset(ms: i64, minute: i64) -> u64 {
    (ms - minute * MINUTE_MS) as u64
}

/// LEB128: seven bits a byte, the lowest first, all but the last marked.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Small numbers of either sign as small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn new(bytes: &'b [u8]) -> Result<Reader<'b>, NoPostings> {
        match bytes {
            [VERSION, rest @ ..] => Ok(Reader { rest }),
            _ => Err(NoPostings),
        }
    }

    fn number(&mut self) -> Result<u64, NoPostings> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(NoPostings);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(NoPostings)
    }

    /// A number of things that follow, each of at least a byte: never more than there are bytes.
    fn count(&mut self) -> Result<usize, NoPostings> {
        let count = usize::try_from(self.number()?).map_err(|_| NoPostings)?;
        if count > self.rest.len() {
            return Err(NoPostings);
        }
        Ok(count)
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], NoPostings> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(NoPostings)?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], NoPostings> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(NoPostings)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The events of a batch: position and time.
    fn events(&mut self, mut each: impl FnMut(i32, i64)) -> Result<(), NoPostings> {
        let mut position = 0_i32;
        for _ in 0..self.count()? {
            let step = i32::try_from(self.number()?).map_err(|_| NoPostings)?;
            position = position.checked_add(step).ok_or(NoPostings)?;
            each(position, unzigzag(self.number()?));
        }
        Ok(())
    }

    /// A term, and how many places of events follow it.
    fn term(&mut self) -> Result<(Term, usize), NoPostings> {
        Ok((Term(i64::from_be_bytes(self.bytes()?)), self.count()?))
    }

    fn word(&mut self) -> Result<(WordKind, &'b str), NoPostings> {
        let [kind] = self.bytes()?;
        let kind = WordKind::from_byte(kind).ok_or(NoPostings)?;
        let length = self.count()?;
        let word = std::str::from_utf8(self.take(length)?).map_err(|_| NoPostings)?;
        Ok((kind, word))
    }

    fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn end(&self) -> Result<(), NoPostings> {
        if self.is_at_end() {
            Ok(())
        } else {
            Err(NoPostings)
        }
    }
}

#[cfg(test)]
mod tests;
