//! A proof as a file: the whole bundle, one statement of it as a C2SP tlog-proof, or all of them so.

use actix_web::HttpResponse;
use actix_web::http::header;
use auditlog::bundle::{Bundle, BundledStatement};
use auditlog::encoding::parse_decimal;
use auditlog::note::NoteError;
use auditlog::statement_proof::of_bundled;
use thiserror::Error;

use super::Service;
use crate::proof::ProofSource;
use crate::public::Published;

/// Under which form a proof is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofForm {
    /// `rootmark-proof/v1`: all statements, with the story note.
    Bundle,
    /// C2SP tlog-proof: the statement at this index, or all, one a file.
    TlogProof(Option<u64>),
}

/// What is wrong with what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum FormError {
    /// A format that there is not.
    #[error("format must be bundle or tlog-proof")]
    Format,
    /// Not a leaf index, or one where none belongs.
    #[error("index must be a whole number, with format=tlog-proof")]
    Index,
}

/// Why a bundle cannot be given in a form.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// The bundle holds no statement with this index.
    #[error("the proof holds no statement with the index {0}")]
    NoSuchIndex(u64),
    /// Our own checkpoint cannot be read.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Memory, which is all that an archive here is written to.
    #[error("the archive: {0}")]
    Archive(#[from] std::io::Error),
}

impl ProofForm {
    /// Reads a query. What it does not know it ignores, as pages do.
    pub fn parse(query: &str) -> Result<ProofForm, FormError> {
        let value = |name: &str| {
            let mut pairs = query
                .split('&')
                .map(|p| p.split_once('=').unwrap_or((p, "")));
            pairs.find_map(|(key, value)| (key == name).then_some(value))
        };
        let index = value("index");
        match value("format") {
            None | Some("bundle") if index.is_some() => Err(FormError::Index),
            None | Some("bundle") => Ok(ProofForm::Bundle),
            Some("tlog-proof") => {
                let parse = |text| parse_decimal(text).ok_or(FormError::Index);
                Ok(ProofForm::TlogProof(index.map(parse).transpose()?))
            }
            Some(_) => Err(FormError::Format),
        }
    }
}

/// A file that can be downloaded.
#[derive(Debug)]
pub(super) struct ProofFile {
    content_type: &'static str,
    name: String,
    bytes: Vec<u8>,
}

impl ProofFile {
    /// The bundle in a form; `stem` is what its file is called, without an extension.
    pub fn of(bundle: &Bundle, form: ProofForm, stem: &str) -> Result<ProofFile, FileError> {
        match form {
            ProofForm::Bundle => Ok(ProofFile {
                content_type: "application/json; charset=utf-8",
                name: format!("{stem}.json"),
                bytes: bundle.format().into_bytes(),
            }),
            ProofForm::TlogProof(Some(index)) => {
                let mut statements = bundle.statements.iter();
                let found = statements.find(|statement| statement.index.0 == index);
                one(bundle, found.ok_or(FileError::NoSuchIndex(index))?)
            }
            ProofForm::TlogProof(None) => match bundle.statements.as_slice() {
                [only] => one(bundle, only),
                all => archive(bundle, all, stem),
            },
        }
    }

    /// The answer with the file.
    pub fn respond(self) -> HttpResponse {
        let ProofFile {
            content_type,
            name,
            bytes,
        } = self;
        HttpResponse::Ok()
            .content_type(content_type)
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ))
            .body(bytes)
    }
}

fn one(bundle: &Bundle, statement: &BundledStatement) -> Result<ProofFile, FileError> {
    Ok(ProofFile {
        content_type: "text/plain; charset=utf-8",
        name: file_name(statement),
        bytes: of_bundled(bundle, statement)?.format().into_bytes(),
    })
}

/// A tar of one file a statement. Times and owners are all zero: the same proofs, the same bytes.
fn archive(bundle: &Bundle, all: &[BundledStatement], stem: &str) -> Result<ProofFile, FileError> {
    let mut archive = tar::Builder::new(Vec::new());
    for statement in all {
        let text = of_bundled(bundle, statement)?.format();
        let mut entry = tar::Header::new_ustar();
        entry.set_size(text.len() as u64);
        entry.set_mode(0o644);
        archive.append_data(&mut entry, file_name(statement), text.as_bytes())?;
    }
    Ok(ProofFile {
        content_type: "application/x-tar",
        name: format!("{stem}.tar"),
        bytes: archive.into_inner()?,
    })
}

fn file_name(statement: &BundledStatement) -> String {
    format!("{}.tlog-proof", statement.index)
}

/// What bundles are made with: the one place that says which checkpoint is in them.
pub(super) fn proof_source<'a>(service: &'a Service, published: &'a Published) -> ProofSource<'a> {
    ProofSource {
        published,
        folder: &service.log.folder,
        origin: &service.log.origin,
        story_signer: &service.log.story_signer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_from_the_query_and_nothing_else_is_guessed() {
        for query in ["", "lang=en", "format=bundle", "format=bundle&lang=zh-CN"] {
            assert_eq!(ProofForm::parse(query), Ok(ProofForm::Bundle), "{query}");
        }
        let all = ProofForm::parse("format=tlog-proof");
        assert_eq!(all, Ok(ProofForm::TlogProof(None)));
        let one = ProofForm::parse("lang=en&index=7&format=tlog-proof");
        assert_eq!(one, Ok(ProofForm::TlogProof(Some(7))));
        for query in ["format=", "format", "format=zip", "format=Tlog-proof"] {
            assert_eq!(ProofForm::parse(query), Err(FormError::Format), "{query}");
        }
        for index in ["", "-1", "07", "1.0", "18446744073709551616"] {
            let query = format!("format=tlog-proof&index={index}");
            assert_eq!(ProofForm::parse(&query), Err(FormError::Index), "{query}");
        }
        assert_eq!(ProofForm::parse("index=7"), Err(FormError::Index));
    }
}
