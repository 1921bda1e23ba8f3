//! What is said of a product.

use auditlog::json::Value;

use super::{Bilingual, bilingual, change_reason, country, party_identity, regime, short_text};
use crate::domain::fields::{At, Fault, FaultKind};
use crate::domain::gs1::{Gtin, Identity};
use crate::domain::official::{self, OfficialCheck};
use crate::domain::picture::{Picture, read_picture};
use crate::domain::route::{self, Route};
use crate::domain::unit::{Dimension, to_base};

/// Rows of a product's attribute table.
const MAX_ATTRIBUTES: usize = 40;

/// A product's description.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// `gtin`
    pub gtin: Gtin,
    /// `productName`
    pub name: Bilingual,
    /// `brandName`
    pub brand: Option<Bilingual>,
    /// `countryOfOrigin`: two letters of ISO 3166-1.
    pub country: Option<String>,
    /// `netContent`: the number as received and its UN/ECE Rec 20 unit.
    pub net_content: Option<(String, String)>,
    /// `regime`: `generalTrade` or `bondedCrossBorder`.
    pub regime: Option<String>,
    /// `brandOwner`
    pub brand_owner: Option<Identity>,
    /// `storage`
    pub storage: Option<Storage>,
    /// `yield`
    pub yields: Option<Yield>,
    /// `route`
    pub route: Option<Route>,
    /// `attributes`
    pub attributes: Vec<Attribute>,
    /// `picture`
    pub picture: Option<Picture>,
}

/// A row of what stands on a product's label, or is registered of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// `label`
    pub label: Bilingual,
    /// `value`
    pub value: Bilingual,
    /// `officialCheck`: where an authority tells whether it is so.
    pub check: Option<&'static OfficialCheck>,
}

/// How a product is to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// `minCelsius`
    pub min_celsius: Option<f64>,
    /// `maxCelsius`
    pub max_celsius: Option<f64>,
    /// `text`
    pub text: Option<Bilingual>,
}

/// How much of a product the process that makes it gives, by mass: kilograms out of one kilogram of all that
/// went in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yield {
    /// `min`
    pub min: f64,
    /// `max`; more than 1 where the process adds what nobody weighs, as a farm does.
    pub max: f64,
}

impl Product {
    /// What one of it holds, where that is a mass.
    pub fn kilograms(&self) -> Option<f64> {
        let (amount, unit) = self.net_content.as_ref()?;
        let (dimension, kilograms) = to_base(amount.parse().ok()?, unit)?;
        (dimension == Dimension::Mass).then_some(kilograms)
    }
}

/// Reads a product.
pub fn read_product(body: &Value<'_>) -> Result<Product, Fault> {
    let at = At::root(body);
    at.only(&[&[
        "gtin",
        "productName",
        "brandName",
        "category",
        "countryOfOrigin",
        "netContent",
        "regime",
        "brandOwner",
        "storage",
        "yield",
        "route",
        "attributes",
        "picture",
        "changeReason",
    ]])?;
    change_reason(body)?;
    let gtin_at = at.required("gtin")?;
    let gtin = match gtin_at.identity()? {
        Identity::Class { gtin } => gtin,
        _ => return Err(gtin_at.fault(FaultKind::MustBe("the Digital Link of a GTIN"))),
    };
    at.get("category").map(|at| short_text(&at)).transpose()?;
    Ok(Product {
        gtin,
        name: bilingual(&at.required("productName")?)?,
        brand: at.get("brandName").map(|at| bilingual(&at)).transpose()?,
        country: at
            .get("countryOfOrigin")
            .map(|at| country(&at))
            .transpose()?,
        net_content: at
            .get("netContent")
            .map(|at| net_content(&at))
            .transpose()?,
        regime: at.get("regime").map(|at| regime(&at)).transpose()?,
        brand_owner: at
            .get("brandOwner")
            .map(|at| party_identity(&at))
            .transpose()?,
        storage: at.get("storage").map(|at| storage(&at)).transpose()?,
        yields: at.get("yield").map(|at| yields(&at)).transpose()?,
        route: route(&at)?,
        attributes: attributes(&at)?,
        picture: at.get("picture").map(|at| read_picture(&at)).transpose()?,
    })
}

/// The route of a product. Each of the two ways of import has its own.
fn route(product: &At<'_>) -> Result<Option<Route>, Fault> {
    let Some(at) = product.get("route") else {
        return Ok(None);
    };
    let route = route::read_choice(&at)?;
    let of_product = product.get("regime").map(|at| regime(&at)).transpose()?;
    let of_both = of_product.zip(route.regime.clone());
    if of_both.is_some_and(|(product, route)| product != route) {
        return Err(at.fault(FaultKind::Rule("is the route of the other regime")));
    }
    Ok(Some(route))
}

fn attributes(at: &At<'_>) -> Result<Vec<Attribute>, Fault> {
    let Some(list) = at.get("attributes") else {
        return Ok(Vec::new());
    };
    let rows = list.elements()?;
    if rows.len() > MAX_ATTRIBUTES {
        return Err(list.fault(FaultKind::TooMany(MAX_ATTRIBUTES)));
    }
    let row = |row: &At<'_>| {
        row.only(&[&["label", "value", "officialCheck"]])?;
        let check = |at: At<'_>| {
            let check = official::by_name(at.text()?);
            check.ok_or_else(|| at.fault(FaultKind::MustBe(official::NAMES)))
        };
        Ok(Attribute {
            label: bilingual(&row.required("label")?)?,
            value: bilingual(&row.required("value")?)?,
            check: row.get("officialCheck").map(check).transpose()?,
        })
    };
    rows.iter().map(row).collect()
}

fn net_content(at: &At<'_>) -> Result<(String, String), Fault> {
    at.only(&[&["value", "unitCode"]])?;
    let value = at.required("value")?.number()?.to_owned();
    Ok((value, short_text(&at.required("unitCode")?)?))
}

fn storage(at: &At<'_>) -> Result<Storage, Fault> {
    at.only(&[&["minCelsius", "maxCelsius", "text"]])?;
    let celsius = |key: &str| -> Result<Option<f64>, Fault> {
        let Some(degrees) = at.get(key) else {
            return Ok(None);
        };
        let value = degrees
            .number()?
            .parse()
            .ok()
            .filter(|c: &f64| c.abs() <= 200.0);
        value
            .map(Some)
            .ok_or_else(|| degrees.fault(FaultKind::MustBe("degrees Celsius")))
    };
    Ok(Storage {
        min_celsius: celsius("minCelsius")?,
        max_celsius: celsius("maxCelsius")?,
        text: at.get("text").map(|at| bilingual(&at)).transpose()?,
    })
}

/// A process may give up to a thousand times what was weighed, or a thousandth of it.
fn yields(at: &At<'_>) -> Result<Yield, Fault> {
    at.only(&[&["min", "max"]])?;
    let share = |key: &str| -> Result<f64, Fault> {
        let share = at.required(key)?;
        let value: Option<f64> = share.number()?.parse().ok();
        value
            .filter(|value| (0.001..=1_000.0).contains(value))
            .ok_or_else(|| {
                share.fault(FaultKind::MustBe(
                    "0.001 to 1000: kilograms out of one that went in",
                ))
            })
    };
    let (min, max) = (share("min")?, share("max")?);
    if min > max {
        return Err(at.fault(FaultKind::Rule("min is more than max")));
    }
    Ok(Yield { min, max })
}
