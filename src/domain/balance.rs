//! Conservation: what went into a process against what came out of it, and what was made of a lot against what
//! was used of it and how many codes were issued for it.
//!
//! Quantities are compared in the SI unit of their dimension (UN/ECE Recommendation 20, see
//! [`super::unit`]); pieces of a product whose net content is a mass are weighed by that.

use std::collections::HashMap;

use time::OffsetDateTime;

use super::epcis::{Quantity, What};
use super::gs1::{Gtin, Identity};
use super::master::Product;
use super::statement::StatementId;
use super::unit::{Dimension, to_base};

/// Some of what an event names.
#[derive(Debug, Clone, PartialEq)]
pub struct Portion {
    /// Of what.
    pub identity: Identity,
    /// How much; `None` for one thing that has a number of its own.
    pub quantity: Option<Quantity>,
}

/// One transformation, in one event or joined by its `transformationID`.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// When it was recorded to have happened first.
    pub at: OffsetDateTime,
    /// Its events.
    pub events: Vec<StatementId>,
    /// What went in.
    pub inputs: Vec<Portion>,
    /// What came out, neighbours included: for the sum, and never to be shown.
    pub outputs: Vec<Portion>,
    /// Whether more may have come out of it later.
    pub is_open: bool,
}

/// What is known of the whole of a lot.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Which.
    pub lot: Identity,
    /// What came into the world of it.
    pub made: Vec<Portion>,
    /// What went into processes.
    pub used: Vec<Portion>,
    /// How many codes were issued for it; `None` where that is another's affair.
    pub issued: Option<u64>,
    /// When some of it was made last.
    pub made_until: Option<OffsetDateTime>,
    /// Whether some of it has numbers of its own: that is not among `made`.
    pub has_items: bool,
    /// How many items got such numbers, where that is known.
    pub items: Option<u64>,
    /// The events and issuances that say so.
    pub evidence: Vec<StatementId>,
}

impl Portion {
    /// What an event names.
    pub fn of(what: &What) -> Portion {
        Portion {
            identity: what.identity.clone(),
            quantity: what.quantity.clone(),
        }
    }

    /// How much it is, in the SI unit of its dimension; pieces are a ratio. `None` where the event gives no
    /// quantity, or one in a unit that is not known.
    pub fn amount(&self) -> Option<(Dimension, f64)> {
        let Some(quantity) = &self.quantity else {
            return Some((Dimension::Ratio, 1.0));
        };
        let value: f64 = quantity.value.as_deref()?.parse().ok()?;
        match quantity.uom.as_deref() {
            // EPCIS: without a unit it is a count.
            None => Some((Dimension::Ratio, value)),
            Some(uom) => to_base(value, uom),
        }
    }

    /// What it weighs: as the event says, else by the net content of its product.
    pub fn kilograms(&self, products: &HashMap<Gtin, Product>) -> Option<f64> {
        match self.amount()? {
            (Dimension::Mass, kilograms) => Some(kilograms),
            (Dimension::Ratio, pieces) => {
                let product = products.get(&self.identity.gtin()?)?;
                Some(pieces * product.kilograms()?)
            }
            _ => None,
        }
    }
}

/// The sum of amounts of one dimension; `None` if one is unknown, of another dimension, or if there is none.
pub fn sum(portions: &[Portion]) -> Option<(Dimension, f64)> {
    let mut amounts = portions.iter().map(Portion::amount);
    let (dimension, mut total) = amounts.next()??;
    for amount in amounts {
        let (of, more) = amount?;
        if of != dimension {
            return None;
        }
        total += more;
    }
    Some((dimension, total))
}

/// What all of it weighs; `None` if one part was not weighed, or if there is none.
pub fn weight(portions: &[Portion], products: &HashMap<Gtin, Product>) -> Option<f64> {
    let weighed: Option<Vec<f64>> = portions.iter().map(|p| p.kilograms(products)).collect();
    let weighed = weighed.filter(|weighed| !weighed.is_empty())?;
    Some(weighed.into_iter().sum())
}

/// What it weighs at least: the parts that were weighed.
pub fn least_weight(portions: &[Portion], products: &HashMap<Gtin, Product>) -> f64 {
    portions.iter().filter_map(|p| p.kilograms(products)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portion(value: &str, uom: Option<&str>) -> Portion {
        Portion {
            identity: Identity::parse("https://id.gs1.org/01/09521041001012/10/L").unwrap(),
            quantity: Some(Quantity {
                value: Some(value.into()),
                uom: uom.map(Into::into),
            }),
        }
    }

    #[test]
    fn amounts_of_one_dimension_add_up_whatever_their_units() {
        let kilograms = [portion("1000", Some("GRM")), portion("2.5", Some("KGM"))];
        assert_eq!(sum(&kilograms), Some((Dimension::Mass, 3.5)));
        let mut pieces = vec![portion("3", None), portion("2", Some("DZN"))];
        assert_eq!(sum(&pieces), Some((Dimension::Ratio, 27.0)));
        pieces.push(portion("1", Some("LTR")));
        assert_eq!(sum(&pieces), None);
        assert_eq!(sum(&[]), None);
        assert_eq!(sum(&[portion("1", Some("no unit"))]), None);
    }

    #[test]
    fn pieces_weigh_what_their_product_holds() {
        let product = |net: &str| {
            let text = format!(
                r#"{{"gtin":"https://id.gs1.org/01/09521041001012",
                "productName":{{"zh-CN":"奶粉","en":"Powder"}},"netContent":{net}}}"#
            );
            let product =
                crate::domain::master::read_product(&auditlog::json::parse(&text).unwrap());
            let product = product.unwrap();
            HashMap::from([(product.gtin, product)])
        };
        let tins = [portion("10", None)];
        let of_900_grams = product(r#"{"value":900,"unitCode":"GRM"}"#);
        assert_eq!(weight(&tins, &of_900_grams), Some(9.0));
        let of_a_litre = product(r#"{"value":1,"unitCode":"LTR"}"#);
        assert_eq!(weight(&tins, &of_a_litre), None);
        assert_eq!(weight(&tins, &HashMap::new()), None);
        let some = [portion("10", None), portion("1", Some("LTR"))];
        assert_eq!(weight(&some, &of_900_grams), None);
        assert_eq!(least_weight(&some, &of_900_grams), 9.0);
    }
}
