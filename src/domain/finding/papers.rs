//! Papers that do not belong together.

use std::collections::BTreeMap;

use super::{Contradiction, Finding, Severity};
use crate::domain::route::cites;
use crate::domain::story::Story;

/// What enters China by general trade has other papers than what enters it by bonded cross-border trade; who shows
/// both has mixed the papers of two goods.
pub(super) fn other_regime(story: &Story) -> Vec<Finding> {
    let product = story.product.as_ref().map(|described| &described.value);
    let Some(route) = product.and_then(|product| product.route.as_ref()) else {
        return Vec::new();
    };
    let of_type = |document_type: &String| {
        let mut cited: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (step, uri) in cites(story, document_type) {
            cited.entry(uri).or_default().push(step.id);
        }
        let finding = |(uri, evidence): (&str, Vec<_>)| Finding {
            what: Contradiction::OtherRegime {
                document: uri.to_owned(),
                document_type: document_type.clone(),
            },
            severity: Severity::Doubt,
            evidence,
        };
        cited.into_iter().map(finding).collect::<Vec<_>>()
    };
    route.never.iter().flat_map(of_type).collect()
}
