//! Supply chains in short: things have names such as `tin:A`, see [`uri`]; events are functions of the
//! hours since June 2026 began.
//!
//! Included by whoever has `gs1` in scope: the crate's own tests, and those that see it from outside.

#![allow(dead_code, reason = "each test binary uses its part of it")]

use super::gs1::{DigitalLink, Identity, Level, Sscc};

/// The URI of a short name; what has no such form is a URI already.
pub fn uri(name: &str) -> String {
    let Some((kind, which)) = name.split_once(':') else {
        return name.to_owned();
    };
    let path = match kind {
        "tin" => format!("01/09521041001012/21/{which}"),
        "lot" => format!("01/09521041001012/10/{which}"),
        "carton" => format!("01/09521041000022/21/{which}"),
        "carton-lot" => format!("01/09521041000022/10/{which}"),
        "powder" => format!("01/09521041000114/10/{which}"),
        "milk" => format!("01/09521041000015/10/{which}"),
        "class" => format!("01/{which}"),
        "case" => return sscc(1, which),
        "pallet" => return sscc(2, which),
        "truck" => return sscc(3, which),
        "tote" => format!("8003/09521041000015{which}"),
        "logger" => format!("8004/9521041LOG{which}"),
        "room" => format!("414/9522040000006/254/{which}"),
        _ => return name.to_owned(),
    };
    format!("https://id.gs1.org/{path}")
}

pub fn sscc(kind: u32, which: &str) -> String {
    let number: u32 = which.parse().expect(which);
    let sscc = Sscc::with_check_digit(&format!("0952104{kind}{number:09}")).expect(which);
    DigitalLink::LogisticUnit { sscc }.canonical()
}

/// An event `hours` into June 2026, with more members.
pub fn event(kind: &str, hours: u32, members: &[String]) -> String {
    let (day, hour) = (1 + hours / 24, hours % 24);
    let members: String = members.iter().map(|member| format!(",{member}")).collect();
    format!(
        r#"{{"type":"{kind}","eventTime":"2026-06-{day:02}T{hour:02}:00:00Z",
        "eventTimeZoneOffset":"+00:00"{members}}}"#
    )
}

pub fn member(name: &str, value: &str) -> String {
    format!(r#""{name}":"{value}""#)
}

/// Two lists of names: of things, and of what is a class or a lot, ten kilograms each.
pub fn lists(things: &str, quantities: &str, names: &[&str]) -> Vec<String> {
    let is_quantity = |name: &&&str| {
        let identity = Identity::parse(&uri(name)).expect(name);
        identity.level() == Some(Level::Class)
    };
    let (classes, instances): (Vec<&&str>, Vec<&&str>) = names.iter().partition(is_quantity);
    let instances = instances.iter().map(|name| format!("\"{}\"", uri(name)));
    let classes = classes.iter().map(|name| kilograms(name, "10"));
    let list = |name: &str, elements: Vec<String>| {
        (!elements.is_empty()).then(|| format!("\"{name}\":[{}]", elements.join(",")))
    };
    let both = [
        list(things, instances.collect()),
        list(quantities, classes.collect()),
    ];
    both.into_iter().flatten().collect()
}

pub fn kilograms(name: &str, quantity: &str) -> String {
    let class = uri(name);
    format!(r#"{{"epcClass":"{class}","quantity":{quantity},"uom":"KGM"}}"#)
}

/// An AggregationEvent or AssociationEvent.
pub fn bond(kind: &str, hours: u32, action: &str, parent: &str, children: &[&str]) -> String {
    let mut members = vec![member("action", action), member("parentID", &uri(parent))];
    members.extend(lists("childEPCs", "childQuantityList", children));
    event(kind, hours, &members)
}

pub fn pack(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AggregationEvent", hours, "ADD", parent, children)
}

/// Takes out `children`, or, naming none, everything.
pub fn unpack(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AggregationEvent", hours, "DELETE", parent, children)
}

pub fn fasten(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AssociationEvent", hours, "ADD", parent, children)
}

pub fn unfasten(hours: u32, parent: &str, children: &[&str]) -> String {
    bond("AssociationEvent", hours, "DELETE", parent, children)
}

/// An ObjectEvent.
pub fn object(hours: u32, action: &str, names: &[&str], more: &[String]) -> String {
    let mut members = vec![member("action", action)];
    members.extend(lists("epcList", "quantityList", names));
    members.extend(more.iter().cloned());
    event("ObjectEvent", hours, &members)
}

/// Members that say which company passed things on to which; `kind` is the type of both.
pub fn handed(kind: &str, from: &str, to: &str) -> String {
    format!(
        r#""sourceList":[{{"type":"{kind}","source":"https://id.gs1.org/417/{from}"}}],
        "destinationList":[{{"type":"{kind}","destination":"https://id.gs1.org/417/{to}"}}]"#
    )
}

pub fn see(hours: u32, names: &[&str]) -> String {
    object(hours, "OBSERVE", names, &[])
}

pub fn step(hours: u32, biz_step: &str, names: &[&str]) -> String {
    object(hours, "OBSERVE", names, &[member("bizStep", biz_step)])
}

/// Makes items known, as of a lot.
pub fn commission(hours: u32, names: &[&str], lot: &str) -> String {
    let ilmd = format!(r#""ilmd":{{"cbvmda:lotNumber":"{lot}"}}"#);
    object(hours, "ADD", names, &[ilmd])
}

pub fn make(hours: u32, inputs: &[&str], outputs: &[&str]) -> String {
    let mut members = lists("inputEPCList", "inputQuantityList", inputs);
    members.extend(lists("outputEPCList", "outputQuantityList", outputs));
    event("TransformationEvent", hours, &members)
}

/// Of a transformation that comes in several events, one side: `input` or `output`.
pub fn part(hours: u32, side: &str, names: &[&str], id: &str) -> String {
    let mut members = lists(
        &format!("{side}EPCList"),
        &format!("{side}QuantityList"),
        names,
    );
    members.push(member("transformationID", id));
    event("TransformationEvent", hours, &members)
}

/// The same event with an ID, and as the declaration that it was an error.
pub fn with_id(text: &str, id: &str) -> String {
    text.replacen('{', &format!(r#"{{"eventID":"{id}","#), 1)
}

pub fn declared_error(text: &str, id: &str) -> String {
    let declaration = r#"{"errorDeclaration":{"declarationTime":"2026-06-30T00:00:00Z"},"#;
    with_id(text, id).replacen('{', declaration, 1)
}
