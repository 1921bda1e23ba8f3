//! How identities are written in an answer.

use sqlx::PgConnection;

use super::{QueryError, Recent, words};
use crate::domain::epcis::EpcFormat;
use crate::domain::gs1::{CompanyPrefix, CompanyPrefixes};
use crate::domain::posting::WordKind;
use crate::store::company_prefix::company_prefixes;

/// Company prefixes of one merchant; a brand and its partners have a few dozen.
const MAX_PREFIXES: usize = 10_000;

/// How somebody wants identities to be written, and what is known for it.
#[derive(Debug)]
pub struct Form {
    /// How.
    pub format: EpcFormat,
    /// Where company prefixes end, without which no URN can be written.
    pub prefixes: CompanyPrefixes,
}

impl Form {
    /// The format with the company prefixes that the merchant's own events have shown and those that it
    /// declares, where it needs them. The transaction must act for the merchant and see one moment.
    pub async fn of(
        format: EpcFormat,
        conn: &mut PgConnection,
        recent: &mut Recent,
    ) -> Result<Form, QueryError> {
        let mut prefixes = CompanyPrefixes::default();
        if format == EpcFormat::AlwaysUrn {
            let kind = WordKind::CompanyPrefix;
            for word in words(conn, recent, kind, "", MAX_PREFIXES).await? {
                // They come from URNs that were read, so each is one.
                if let Ok(prefix) = CompanyPrefix::parse(&word) {
                    prefixes.see(prefix);
                }
            }
            for declared in company_prefixes(conn, recent.merchant_id()).await? {
                prefixes.declare(declared.company_prefix);
            }
        }
        Ok(Form { format, prefixes })
    }
}
