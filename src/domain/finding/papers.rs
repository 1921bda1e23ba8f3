//! Papers that do not belong together.

use std::collections::BTreeMap;

use super::{Contradiction, Finding, Severity};
use crate::domain::route::citations;
use crate::domain::story::{Story, Via};

/// What enters China by general trade has other papers than what enters it by bonded cross-border trade; who shows
/// both has mixed the papers of two goods.
pub(super) fn other_regime(story: &Story) -> Vec<Finding> {
    let product = story.product.as_ref().map(|described| &described.value);
    let Some(route) = product.and_then(|product| product.route.as_ref()) else {
        return Vec::new();
    };
    // Papers of what the goods were made from came another way.
    let own = story.standing().filter(|step| step.via != Via::Ingredient);
    let mut cited: BTreeMap<(&str, &str), Vec<_>> = BTreeMap::new();
    for step in own {
        for (document_type, uri) in citations(story, step) {
            if route.never.iter().any(|never| never == document_type) {
                cited.entry((uri, document_type)).or_default().push(step.id);
            }
        }
    }
    let finding = |((uri, document_type), evidence): ((&str, &str), Vec<_>)| Finding {
        what: Contradiction::OtherRegime {
            document: uri.to_owned(),
            document_type: document_type.to_owned(),
        },
        severity: Severity::Doubt,
        evidence,
    };
    cited.into_iter().map(finding).collect()
}
