use super::*;
use auditlog::json;

fn policy(rules: &str) -> Disclosure {
    let text = format!(r#"{{"rules":[{rules}]}}"#);
    read_disclosure(&json::parse(&text).unwrap()).unwrap()
}

fn fault(text: &str) -> String {
    let read = read_disclosure(&json::parse(text).unwrap());
    read.unwrap_err().to_string()
}

fn hidden(policy: &Disclosure, kind: Kind, body: &str, audience: Audience) -> Vec<String> {
    let hidden = policy.hidden(kind, &json::parse(body).unwrap(), audience);
    let told = hidden.iter().map(|hidden| match hidden.hiding {
        Hiding::Masked => format!("{} masked", hidden.pointer),
        Hiding::Whole => hidden.pointer.clone(),
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    told
}

const EVENT: &str = r#"{"@context":["https://x/",{"example":"https://e.example/"}],
    "bizTransactionList":[
        {"type":"po","bizTransaction":"urn:x:1"},
        {"type":"https://ref.gs1.org/cbv/BTT-inv","bizTransaction":"urn:x:2"},
        {"type":"cert","bizTransaction":"urn:x:3"},
        {"bizTransaction":"urn:x:4"}],
    "sourceList":[{"type":"owning_party","source":"urn:x:5"}],
    "inputQuantityList":[{"epcClass":"urn:x:6","quantity":2,"uom":"KGM"}],
    "ilmd":{"cbvmda:lotNumber":"L1","example:grade":"A"},
    "sensorElementList":[{"sensorReport":[{"type":"Temperature","example:probe":"7"}]}],
    "example:price":{"example:amount":3}}"#;

#[test]
fn fields_stand_in_the_order_of_their_names() {
    for (place, (field, name)) in FIELDS.iter().enumerate() {
        assert_eq!((*field as usize, field.as_str()), (place, *name));
    }
}

#[test]
fn what_nobody_ruled_on_is_not_for_strangers_and_for_regulators_it_is() {
    let of = |audience| hidden(&Disclosure::default(), Kind::Event, EVENT, audience);
    assert_eq!(
        of(Audience::Shopper),
        [
            "/bizTransactionList/0",
            "/bizTransactionList/1",
            "/example:price",
            "/ilmd/example:grade",
            "/sensorElementList/0/sensorReport/0/example:probe",
        ]
    );
    assert_eq!(of(Audience::Regulator), [""; 0]);
    assert_eq!(of(Audience::Merchant), [""; 0]);
    let number = r#"{"documentType":"customsDeclaration","number":"1","issuedBy":{"en":"x"}}"#;
    let of = |audience| hidden(&Disclosure::default(), Kind::Document, number, audience);
    assert_eq!(of(Audience::Shopper), ["/number masked"]);
    assert_eq!(of(Audience::Regulator), [""; 0]);
    let other = number.replace("customsDeclaration", "healthCertificate");
    let none = hidden(
        &Disclosure::default(),
        Kind::Document,
        &other,
        Audience::Shopper,
    );
    assert_eq!(none, [""; 0]);
}

#[test]
fn a_later_rule_prevails_and_one_without_a_type_is_for_all_of_them() {
    let opened = policy(
        r#"{"field":"businessTransaction","show":"public"},
           {"field":"extension","of":"example:grade","show":"public"},
           {"field":"extension","of":"example:price","show":"withheld"},
           {"field":"source","of":"possessing_party","show":"withheld"},
           {"field":"quantity","show":"regulators"}"#,
    );
    assert_eq!(
        hidden(&opened, Kind::Event, EVENT, Audience::Shopper),
        [
            "/example:price",
            "/inputQuantityList/0/quantity",
            "/inputQuantityList/0/uom",
            "/sensorElementList/0/sensorReport/0/example:probe",
        ]
    );
    // Nobody but the merchant sees what is withheld.
    assert_eq!(
        hidden(&opened, Kind::Event, EVENT, Audience::Regulator),
        ["/example:price"]
    );
    assert_eq!(
        hidden(&opened, Kind::Event, EVENT, Audience::Merchant),
        [""; 0]
    );
    let closed = policy(
        r#"{"field":"businessTransaction","of":"cert","show":"public"},
           {"field":"businessTransaction","show":"masked"},
           {"field":"businessTransaction","of":"po","show":"withheld"}"#,
    );
    let transactions = hidden(&closed, Kind::Event, EVENT, Audience::Shopper);
    assert_eq!(
        transactions[..4],
        [
            "/bizTransactionList/0",
            "/bizTransactionList/1 masked",
            "/bizTransactionList/2 masked",
            "/bizTransactionList/3 masked"
        ]
    );
}

#[test]
fn of_parties_products_and_codes_only_what_a_rule_names_is_hidden() {
    let party = r#"{"name":{"en":"Farm"},"region":{"en":"Waikato"},"latitude":-37.8,"longitude":175.3,"registration":"R1"}"#;
    let product = r#"{"gtin":"g","yield":{"min":0.1,"max":0.2}}"#;
    let codes = r#"{"gtin":"g","firstNumber":0,"quantity":600}"#;
    let all = policy(
        r#"{"field":"partyRegion","show":"withheld"},{"field":"partyPosition","show":"regulators"},
           {"field":"partyRegistration","show":"withheld"},{"field":"yield","show":"withheld"},
           {"field":"codesIssued","show":"withheld"}"#,
    );
    for (kind, body, pointers) in [
        (
            Kind::Party,
            party,
            &["/latitude", "/longitude", "/region", "/registration"][..],
        ),
        (Kind::Product, product, &["/yield"]),
        (Kind::Issuance, codes, &["/firstNumber", "/quantity"]),
    ] {
        assert_eq!(hidden(&all, kind, body, Audience::Shopper), pointers);
        let none = hidden(&Disclosure::default(), kind, body, Audience::Shopper);
        assert_eq!(none, [""; 0]);
    }
}

#[test]
fn the_last_four_characters_stay_only_of_a_text_that_is_twice_as_long() {
    for (text, shown) in [
        ("222020261234567890", "****7890"),
        ("12345678", "****5678"),
        ("1234567", "****"),
        ("", "****"),
        ("报关单号二〇二六", "****二〇二六"),
    ] {
        assert_eq!(masked(text), shown);
    }
}

#[test]
fn what_carries_the_story_cannot_be_hidden_and_a_wrong_rule_is_named() {
    let rule = |rule: &str| fault(&format!(r#"{{"rules":[{rule}]}}"#));
    for field in [
        "eventTime",
        "readPoint",
        "epcList",
        "recall",
        "productName",
        "",
    ] {
        let text = format!(r#"{{"field":"{field}","show":"withheld"}}"#);
        assert!(rule(&text).starts_with("/rules/0/field: must be businessTransaction, "));
    }
    assert!(rule(r#"{"field":"yield","show":"hidden"}"#).starts_with("/rules/0/show: "));
    assert!(rule(r#"{"field":"yield","show":"masked"}"#).starts_with("/rules/0/show: only"));
    assert!(rule(r#"{"field":"yield"}"#).starts_with("/rules/0/show: is missing"));
    let typed = r#"{"field":"yield","of":"x","show":"public"}"#;
    assert!(rule(typed).starts_with("/rules/0/of: there are no types"));
    let name = r#"{"field":"extension","of":"price","show":"public"}"#;
    assert!(rule(name).starts_with("/rules/0/of: "));
    let long = format!(
        r#"{{"field":"source","of":"{}","show":"public"}}"#,
        "x".repeat(201)
    );
    assert!(rule(&long).starts_with("/rules/0/of: must be 1 to 200"));
    assert!(fault(r#"{"rules":[],"until":"x"}"#).starts_with("/until: "));
    assert!(fault("{}").starts_with("/rules: is missing"));
    let many = |count: usize| {
        let rule = r#"{"field":"yield","show":"public"}"#;
        format!(r#"{{"rules":[{}]}}"#, vec![rule; count].join(","))
    };
    assert!(fault(&many(101)).starts_with("/rules: has more than 100"));
    assert!(read_disclosure(&json::parse(&many(100)).unwrap()).is_ok());
}
