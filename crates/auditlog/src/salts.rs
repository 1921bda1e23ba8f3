//! What opens the leaves of a field tree: one secret from which all salts are derived; or, once fields were erased, the
//! salts of the others, and of each erased one what its salt and value gave.
//!
//! Whoever still had the secret could try out what an erased value was. So it goes, and each salt that is needed
//! stays by itself.

use thiserror::Error;

use crate::field::{Field, Fields, Salt, Salter, Secret, commitment};
use crate::hash::Hash;
use crate::json::{self, Value, write_string};

/// What opens the leaves of an object.
#[derive(Clone, PartialEq, Eq)]
pub enum Salts {
    /// Nothing was erased.
    Derived(Secret),
    /// Something was.
    Left(LeftSalts),
}

/// What is left for each leaf, by the order of the pointers.
#[derive(Clone, PartialEq, Eq)]
pub struct LeftSalts(Vec<(String, Left)>);

/// What is left for one leaf.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Its salt: it can be shown.
    Salt(Salt),
    /// `c`: it was erased.
    Commitment(Hash),
}

/// Why stored salts do not open the object beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SaltsError {
    /// Neither 32 bytes nor a list of what is left.
    #[error("neither a secret nor a list of salts")]
    Form,
    /// A leaf without a salt, or a salt without a leaf.
    #[error("the salts are not those of the fields")]
    Fields,
}

impl From<Secret> for Salts {
    fn from(secret: Secret) -> Salts {
        Salts::Derived(secret)
    }
}

impl Salts {
    /// As it is stored: the secret's 32 bytes, or a list in JSON, `[["/pointer","s","<base64>"],["/other","c","<base64>"]]`.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Salts::Derived(secret) => secret.0.to_vec(),
            Salts::Left(left) => left.to_text().into_bytes(),
        }
    }

    /// Reads [`Salts::to_bytes`].
    ///
    /// # Errors
    /// If it is neither.
    pub fn from_bytes(bytes: &[u8]) -> Result<Salts, SaltsError> {
        if let Ok(secret) = bytes.try_into() {
            return Ok(Salts::Derived(Secret(secret)));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| SaltsError::Form)?;
        LeftSalts::parse(text)
            .map(Salts::Left)
            .ok_or(SaltsError::Form)
    }

    /// The fields of an object beside these salts, the erased ones among them. An object has no more of an erased
    /// field than its place, and often not that.
    ///
    /// # Errors
    /// If the salts are those of other fields.
    pub fn fields_of(&self, object: &Value<'_>) -> Result<Fields, SaltsError> {
        let fields = Fields::of(object);
        match self {
            Salts::Derived(_) => Ok(fields),
            Salts::Left(left) => left.among(&fields),
        }
    }

    /// Whether a field was erased.
    pub fn is_erased(&self, pointer: &str) -> bool {
        matches!(self.left(pointer), Some(Left::Commitment(_)))
    }

    /// The pointers of what was erased.
    pub fn erased(&self) -> impl Iterator<Item = &str> {
        let left = match self {
            Salts::Derived(_) => &[][..],
            Salts::Left(left) => &left.0,
        };
        let erased = left
            .iter()
            .filter(|(_, left)| matches!(left, Left::Commitment(_)));
        erased.map(|(pointer, _)| pointer.as_str())
    }

    /// What is left once more fields are erased. The salts of these are gone.
    ///
    /// # Errors
    /// If the salts are those of other fields.
    pub fn without(
        &self,
        fields: &Fields,
        erases: impl Fn(&str) -> bool,
    ) -> Result<LeftSalts, SaltsError> {
        let opener = self.opener();
        let leaf = |field: Field<'_>| {
            let left = if field.is_erased() || erases(field.pointer) {
                Left::Commitment(opener.commitment(field).ok_or(SaltsError::Fields)?)
            } else {
                Left::Salt(opener.salt(field.pointer).ok_or(SaltsError::Fields)?)
            };
            Ok((field.pointer.to_owned(), left))
        };
        let left: Result<Vec<_>, SaltsError> = fields.iter().map(leaf).collect();
        Ok(LeftSalts(left?))
    }

    pub(crate) fn opener(&self) -> Opener<'_> {
        match self {
            Salts::Derived(secret) => Opener::Derived(Salter::new(secret)),
            Salts::Left(_) => Opener::Left(self),
        }
    }

    fn left(&self, pointer: &str) -> Option<Left> {
        let Salts::Left(LeftSalts(left)) = self else {
            return None;
        };
        let place = left.binary_search_by(|(known, _)| known.as_str().cmp(pointer));
        Some(left[place.ok()?].1)
    }
}

impl LeftSalts {
    fn to_text(&self) -> String {
        let mut text = String::from("[");
        for (pointer, left) in &self.0 {
            if text.len() > 1 {
                text.push(',');
            }
            text.push('[');
            write_string(pointer, &mut text);
            let (kind, value) = match left {
                Left::Salt(salt) => ("s", salt.to_base64()),
                Left::Commitment(hash) => ("c", hash.to_base64()),
            };
            text.push_str(&format!(",\"{kind}\",\"{value}\"]"));
        }
        text.push(']');
        text
    }

    fn parse(text: &str) -> Option<LeftSalts> {
        let value = json::parse(text).ok()?;
        let leaf = |leaf: &Value<'_>| {
            let [pointer, kind, value] = leaf.as_array()? else {
                return None;
            };
            let value = value.as_str()?;
            let left = match kind.as_str()? {
                "s" => Left::Salt(Salt::from_base64(value)?),
                "c" => Left::Commitment(Hash::from_base64(value)?),
                _ => return None,
            };
            Some((pointer.as_str()?.to_owned(), left))
        };
        let leaves: Option<Vec<_>> = value.as_array()?.iter().map(leaf).collect();
        let leaves = leaves?;
        let ascends = leaves.is_sorted_by(|(one, _), (next, _)| one < next);
        (ascends && !leaves.is_empty()).then_some(LeftSalts(leaves))
    }

    /// The fields with the erased ones among them: each leaf has what is left for it, and nothing else is left.
    fn among(&self, fields: &Fields) -> Result<Fields, SaltsError> {
        let leaf = |(pointer, left): &(String, Left)| match left {
            Left::Commitment(_) => Ok((pointer.clone(), String::new())),
            Left::Salt(_) => {
                let value = fields.value(pointer).ok_or(SaltsError::Fields)?;
                Ok((pointer.clone(), value.to_owned()))
            }
        };
        let leaves: Result<Vec<_>, SaltsError> = self.0.iter().map(leaf).collect();
        let is_left = |field: &Field<'_>| {
            let place = self
                .0
                .binary_search_by(|(known, _)| known.as_str().cmp(field.pointer));
            place.is_ok()
        };
        if !fields.iter().all(|field| is_left(&field)) {
            return Err(SaltsError::Fields);
        }
        Ok(Fields::from_leaves(leaves?))
    }
}

/// Opens leaf after leaf.
pub(crate) enum Opener<'s> {
    Derived(Salter),
    Left(&'s Salts),
}

impl Opener<'_> {
    /// The salt of a field; `None` if it was erased.
    pub fn salt(&self, pointer: &str) -> Option<Salt> {
        match self {
            Opener::Derived(salter) => Some(salter.salt(pointer)),
            Opener::Left(salts) => match salts.left(pointer)? {
                Left::Salt(salt) => Some(salt),
                Left::Commitment(_) => None,
            },
        }
    }

    /// `c` of a field; `None` where nothing is left for it.
    pub fn commitment(&self, field: Field<'_>) -> Option<Hash> {
        match self {
            Opener::Derived(salter) => Some(commitment(&salter.salt(field.pointer), field.value)),
            Opener::Left(salts) => Some(match salts.left(field.pointer)? {
                Left::Salt(salt) => commitment(&salt, field.value),
                Left::Commitment(hash) => hash,
            }),
        }
    }
}

/// Says nothing of what it holds.
impl std::fmt::Debug for Salts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salts(…)")
    }
}

impl std::fmt::Debug for LeftSalts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LeftSalts(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disclosure::disclose;

    const SECRET: Secret = Secret([7; 32]);
    const WHOLE: &str = r#"{"a":"Anna","b":{"c":1,"d":[true,"x"]},"e":"kept"}"#;

    fn fields(text: &str) -> Fields {
        Fields::of(&json::parse(text).unwrap())
    }

    /// What is left once fields are erased, stored and read again.
    fn left(salts: &Salts, text: &str, erased: &[&str]) -> Salts {
        let fields = salts.fields_of(&json::parse(text).unwrap()).unwrap();
        let left = salts.without(&fields, |pointer| erased.contains(&pointer));
        let left = Salts::Left(left.unwrap());
        let read = Salts::from_bytes(&left.to_bytes()).unwrap();
        assert!(read == left);
        read
    }

    fn root(salts: &Salts, text: &str) -> Result<Hash, SaltsError> {
        let fields = salts.fields_of(&json::parse(text).unwrap())?;
        Ok(fields.root(salts))
    }

    #[test]
    fn what_is_erased_keeps_the_root_and_can_be_shown_by_nobody() {
        let before = fields(WHOLE).root(&SECRET.into());
        let salts = left(&SECRET.into(), WHOLE, &["/a", "/b/c"]);
        // Taken out, or with something else in its place.
        for text in [
            r#"{"b":{"d":[true,"x"]},"e":"kept"}"#,
            r#"{"a":"?","b":{"d":[true,"x"]},"e":"kept"}"#,
        ] {
            assert_eq!(root(&salts, text).unwrap(), before);
            let fields = salts.fields_of(&json::parse(text).unwrap()).unwrap();
            let opened = disclose(&fields, &salts, |_| true).open().unwrap();
            assert_eq!(opened.root, before);
            assert_eq!((opened.value("/a"), opened.value("/b/c")), (None, None));
            assert_eq!(opened.value("/e"), Some("\"kept\""));
            assert_eq!(opened.leaves.len(), 6);
        }
        assert_eq!(salts.erased().collect::<Vec<_>>(), ["/a", "/b/c"]);
        assert!(salts.is_erased("/a") && !salts.is_erased("/e"));
        // Neither the value nor the secret is anywhere in what is stored.
        let stored = salts.to_bytes();
        assert!(!stored.windows(4).any(|bytes| bytes == b"Anna"));
        let secret = crate::encoding::to_base64(&SECRET.0);
        assert!(!String::from_utf8(stored).unwrap().contains(&secret));
        let salt = Salter::new(&SECRET).salt("/a").to_base64();
        assert!(!String::from_utf8(salts.to_bytes()).unwrap().contains(&salt));
    }

    #[test]
    fn more_can_be_erased_later_and_a_whole_list_at_once() {
        let before = fields(WHOLE).root(&SECRET.into());
        let once = left(&SECRET.into(), WHOLE, &["/a"]);
        let text = r#"{"b":{"c":1,"d":[true,"x"]},"e":"kept"}"#;
        let twice = left(&once, text, &["/b/d", "/b/d/0", "/b/d/1"]);
        let text = r#"{"b":{"c":1},"e":"kept"}"#;
        assert_eq!(root(&twice, text).unwrap(), before);
        assert_eq!(twice.erased().count(), 4);
    }

    #[test]
    fn another_value_gives_another_root_and_other_fields_are_refused() {
        let salts = left(&SECRET.into(), WHOLE, &["/a"]);
        let before = fields(WHOLE).root(&SECRET.into());
        let changed = r#"{"b":{"c":2,"d":[true,"x"]},"e":"kept"}"#;
        assert_ne!(root(&salts, changed).unwrap(), before);
        for other in [
            r#"{"b":{"d":[true,"x"]},"e":"kept"}"#,
            r#"{"b":{"c":1,"d":[true,"x"]},"e":"kept","f":1}"#,
            "{}",
        ] {
            assert_eq!(root(&salts, other), Err(SaltsError::Fields), "{other}");
        }
    }

    #[test]
    fn what_is_neither_a_secret_nor_a_list_is_refused() {
        let hash = Hash([1; 32]).to_base64();
        let salt = Salt([1; 16]).to_base64();
        for bad in [
            String::new(),
            "[]".to_owned(),
            "x".repeat(31),
            format!(r#"[["/a","s","{hash}"]]"#),
            format!(r#"[["/a","c","{salt}"]]"#),
            format!(r#"[["/a","x","{salt}"]]"#),
            format!(r#"[["/a","s","{salt}",1]]"#),
            format!(r#"[["/b","s","{salt}"],["/a","s","{salt}"]]"#),
            format!(r#"[["/a","s","{salt}"],["/a","c","{hash}"]]"#),
        ] {
            assert_eq!(
                Salts::from_bytes(bad.as_bytes()),
                Err(SaltsError::Form),
                "{bad}"
            );
        }
        assert!(Salts::from_bytes(&[0xff; 33]).is_err());
        assert!(Salts::from_bytes(&[1; 32]).unwrap() == Secret([1; 32]).into());
    }
}
