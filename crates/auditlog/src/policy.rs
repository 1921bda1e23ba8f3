//! Trust policies (C2SP tlog-policy): which logs to believe, and how many of which witnesses must
//! have cosigned a checkpoint.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <member>…
//! quorum <name>|none
//! ```

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use crate::cosignature::WitnessKey;
use crate::encoding::{parse_decimal, to_hex};
use crate::note::{NoteError, SignedNote, Verifier};

/// A policy longer than this is refused before anything is parsed.
pub const MAX_BYTES: usize = 256 * 1024;
/// Logs, witnesses and groups, each; C2SP asks for at least 32.
pub const MAX_LINES_OF_A_KIND: usize = 256;

/// A policy, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The logs that are believed. None: they are known from elsewhere.
    pub logs: Vec<PolicyLog>,
    /// The witnesses, in the order of the file.
    pub witnesses: Vec<PolicyWitness>,
    rules: Vec<Rule>,
    /// Position in `rules` of what must have cosigned; `None` where nobody must.
    quorum: Option<usize>,
}

/// A log that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key, whose name is its origin.
    pub key: Verifier,
    /// Where it is; its meaning is the application's.
    pub url: Option<String>,
}

/// A witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// The name that this file gives it; it means nothing elsewhere.
    pub name: String,
    /// Its key.
    pub key: WitnessKey,
    /// Its submission prefix (C2SP tlog-witness).
    pub url: Option<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// The witness at this position.
    Witness(usize),
    /// At least `threshold` of the rules at these positions, all of which come before.
    Group {
        threshold: usize,
        members: Vec<usize>,
    },
}

/// A witness that has cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The name that the policy gives it.
    pub name: String,
    /// When, in seconds since 1970, by the witness's clock.
    pub time: u64,
}

/// The first thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Too long to be read.
    #[error("the policy is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// A line that is wrong.
    #[error("the policy, line {line}: {fault}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        fault: LineFault,
    },
    /// The last line has no newline.
    #[error("the policy's last line does not end in a newline")]
    NoFinalNewline,
    /// No quorum line.
    #[error("the policy has no quorum line; `quorum none` asks for no witness")]
    NoQuorum,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineFault {
    /// A control character.
    #[error("a control character")]
    Control,
    /// A word that begins no line.
    #[error("a line begins with log, witness, group or quorum")]
    Keyword,
    /// Too few words, or too many.
    #[error("must be: {0}")]
    Shape(&'static str),
    /// A key that cannot be used.
    #[error(transparent)]
    Key(#[from] NoteError),
    /// The same key twice, under whatever name.
    #[error("this key stands in an earlier line")]
    DuplicateKey,
    /// The name is taken.
    #[error("the name {0:?} stands for something already")]
    DuplicateName(String),
    /// The name stands for nothing yet.
    #[error("the name {0:?} stands for nothing in the lines before")]
    UnknownName(String),
    /// A member of two groups, or twice of one.
    #[error("{0:?} is a member of a group already")]
    SecondMembership(String),
    /// A threshold that cannot be met, or means nothing.
    #[error("the threshold must be all, any, or a number from 1 to the number of members")]
    Threshold,
    /// A second quorum line.
    #[error("there is a quorum line already")]
    SecondQuorum,
    /// More lines of a kind than are read.
    #[error("more than {MAX_LINES_OF_A_KIND} lines of this kind")]
    TooMany,
}

/// The quorum is not met, or a cosignature that should count is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", reason(.cosigned, .faults))]
pub struct NoQuorum {
    /// Who has cosigned, by the policy's names.
    pub cosigned: Vec<String>,
    /// What is wrong with cosignatures that bear a witness's key.
    pub faults: Vec<String>,
}

/// A wrong cosignature comes first: with it, those who cosigned may well be a quorum.
fn reason(cosigned: &[String], faults: &[String]) -> String {
    if let Some(fault) = faults.first() {
        return format!("a cosignature of the policy's witnesses: {fault}");
    }
    let cosigned = match cosigned {
        [] => "none of the policy's witnesses".to_owned(),
        names => names.join(", "),
    };
    format!("the checkpoint is cosigned by {cosigned}, which is no quorum of the policy")
}

impl Policy {
    /// Reads a policy file. Names and addresses are octets that mean nothing but themselves; those
    /// that are not UTF-8 are told as `octets`, a space, and their hexadecimal.
    pub fn parse(bytes: &[u8]) -> Result<Policy, PolicyError> {
        if bytes.len() > MAX_BYTES {
            return Err(PolicyError::TooLong);
        }
        let mut reader = Reader::default();
        let lines = match bytes.strip_suffix(b"\n") {
            Some(lines) => lines,
            None if bytes.is_empty() => return Err(PolicyError::NoQuorum),
            None => return Err(PolicyError::NoFinalNewline),
        };
        for (i, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            let line_number = i + 1;
            reader.line(line).map_err(|fault| PolicyError::Line {
                line: line_number,
                fault,
            })?;
        }
        reader.finish()
    }

    /// Whether a checkpoint needs any cosignature at all.
    pub fn needs_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// The log key named like this, if it is believed.
    pub fn log(&self, key: &Verifier) -> Option<&PolicyLog> {
        self.logs.iter().find(|log| log.key == *key)
    }

    /// Whether these witnesses, each said by position, are a quorum.
    pub fn is_quorum(&self, cosigned: impl Fn(usize) -> bool) -> bool {
        let Some(quorum) = self.quorum else {
            return true;
        };
        // Rules stand after those that they name: one pass decides all of them.
        let mut met: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let is_met = match rule {
                Rule::Witness(witness) => cosigned(*witness),
                Rule::Group { threshold, members } => {
                    members.iter().filter(|member| met[**member]).count() >= *threshold
                }
            };
            met.push(is_met);
        }
        met[quorum]
    }

    /// Who of the policy's witnesses has cosigned `note`, if they are a quorum. A cosignature that
    /// bears a witness's key and does not verify refuses the note.
    pub fn witnessed(&self, note: &SignedNote) -> Result<Vec<Witnessed>, NoQuorum> {
        let mut times = vec![None; self.witnesses.len()];
        let mut faults = Vec::new();
        for (witness, time) in self.witnesses.iter().zip(&mut times) {
            match witness.key.verify(note) {
                Ok(cosignature) => *time = Some(cosignature.time),
                Err(crate::cosignature::CosignatureError::Note(NoteError::NotSigned(_))) => {}
                Err(error) => faults.push(error.to_string()),
            }
        }
        let witnessed = |(witness, time): (&PolicyWitness, &Option<u64>)| {
            Some(Witnessed {
                name: witness.name.clone(),
                time: (*time)?,
            })
        };
        let cosigned: Vec<Witnessed> = self
            .witnesses
            .iter()
            .zip(&times)
            .filter_map(witnessed)
            .collect();
        if faults.is_empty() && self.is_quorum(|witness| times[witness].is_some()) {
            return Ok(cosigned);
        }
        Err(NoQuorum {
            cosigned: cosigned.into_iter().map(|witness| witness.name).collect(),
            faults,
        })
    }
}

#[derive(Default)]
struct Reader {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    rules: Vec<Rule>,
    groups: usize,
    names: HashMap<Vec<u8>, usize>,
    members: HashSet<usize>,
    log_keys: HashSet<[u8; 32]>,
    witness_keys: HashSet<[u8; 32]>,
    /// The outer option: whether there was a quorum line.
    quorum: Option<Option<usize>>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), LineFault> {
        if line
            .iter()
            .any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f)
        {
            return Err(LineFault::Control);
        }
        let words: Vec<&[u8]> = line
            .split(|byte| *byte == b' ' || *byte == b'\t')
            .filter(|word| !word.is_empty())
            .collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", rest @ ..] => self.log(rest),
            [b"witness", rest @ ..] => self.witness(rest),
            [b"group", rest @ ..] => self.group(rest),
            [b"quorum", rest @ ..] => self.set_quorum(rest),
            _ => Err(LineFault::Keyword),
        }
    }

    fn log(&mut self, words: &[&[u8]]) -> Result<(), LineFault> {
        let (vkey, url) = match words {
            [vkey] => (vkey, None),
            [vkey, url] => (vkey, Some(text(url))),
            _ => return Err(LineFault::Shape("log <vkey> [<url>]")),
        };
        let key = Verifier::parse(&text(vkey))?;
        if !self.log_keys.insert(*key.public_bytes()) {
            return Err(LineFault::DuplicateKey);
        }
        self.logs.push(PolicyLog { key, url });
        limit(self.logs.len())
    }

    fn witness(&mut self, words: &[&[u8]]) -> Result<(), LineFault> {
        let (name, vkey, url) = match words {
            [name, vkey] => (name, vkey, None),
            [name, vkey, url] => (name, vkey, Some(text(url))),
            _ => return Err(LineFault::Shape("witness <name> <vkey> [<url>]")),
        };
        let key = WitnessKey::parse(&text(vkey))?;
        if !self.witness_keys.insert(*key.public_bytes()) {
            return Err(LineFault::DuplicateKey);
        }
        self.define(name, Rule::Witness(self.witnesses.len()))?;
        let name = text(name);
        self.witnesses.push(PolicyWitness { name, key, url });
        limit(self.witnesses.len())
    }

    fn group(&mut self, words: &[&[u8]]) -> Result<(), LineFault> {
        let [name, threshold, members @ ..] = words else {
            return Err(LineFault::Shape("group <name> all|any|<k> <member>…"));
        };
        if members.is_empty() {
            return Err(LineFault::Shape("group <name> all|any|<k> <member>…"));
        }
        let threshold = threshold_of(threshold, members.len()).ok_or(LineFault::Threshold)?;
        let mut positions = Vec::with_capacity(members.len());
        for member in members {
            let position = self.known(member)?;
            if !self.members.insert(position) {
                return Err(LineFault::SecondMembership(text(member)));
            }
            positions.push(position);
        }
        let members = positions;
        self.define(name, Rule::Group { threshold, members })?;
        self.groups += 1;
        limit(self.groups)
    }

    fn set_quorum(&mut self, words: &[&[u8]]) -> Result<(), LineFault> {
        let [name] = words else {
            return Err(LineFault::Shape("quorum <name>|none"));
        };
        if self.quorum.is_some() {
            return Err(LineFault::SecondQuorum);
        }
        self.quorum = Some(match *name {
            b"none" => None,
            name => Some(self.known(name)?),
        });
        Ok(())
    }

    fn define(&mut self, name: &[u8], rule: Rule) -> Result<(), LineFault> {
        if name == b"none" || self.names.contains_key(name) {
            return Err(LineFault::DuplicateName(text(name)));
        }
        self.names.insert(name.to_vec(), self.rules.len());
        self.rules.push(rule);
        Ok(())
    }

    fn known(&self, name: &[u8]) -> Result<usize, LineFault> {
        let position = self.names.get(name);
        position
            .copied()
            .ok_or_else(|| LineFault::UnknownName(text(name)))
    }

    fn finish(self) -> Result<Policy, PolicyError> {
        Ok(Policy {
            quorum: self.quorum.ok_or(PolicyError::NoQuorum)?,
            logs: self.logs,
            witnesses: self.witnesses,
            rules: self.rules,
        })
    }
}

fn threshold_of(word: &[u8], members: usize) -> Option<usize> {
    match word {
        b"all" => Some(members),
        b"any" => Some(1),
        number => {
            let number = parse_decimal(std::str::from_utf8(number).ok()?)?;
            let number = usize::try_from(number).ok()?;
            (1..=members).contains(&number).then_some(number)
        }
    }
}

fn limit(count: usize) -> Result<(), LineFault> {
    if count > MAX_LINES_OF_A_KIND {
        return Err(LineFault::TooMany);
    }
    Ok(())
}

/// Octets as text that can be shown, and that differs where they do: no word of a policy has a
/// space, so that no other word reads like one that is told in hexadecimal.
fn text(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("octets {}", to_hex(octets)),
    }
}

#[cfg(test)]
mod tests;
