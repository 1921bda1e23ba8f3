//! Sensor data: each kind of report, and what is wrong with one.

use auditlog::json;

use super::super::*;

const HEAD: &str = r#"{"type":"ObjectEvent","action":"OBSERVE","eventTime":"2026-06-05T10:20:00Z",
    "eventTimeZoneOffset":"+00:00","readPoint":{"id":"urn:ex:1"},"sensorElementList":[{"#;

fn read(element: &str) -> Result<Event, Fault> {
    read_event(&json::parse(&format!("{HEAD}{element}}}]}}")).unwrap())
}

fn report(report: &str) -> Result<Event, Fault> {
    read(&format!(r#""sensorReport":[{{{report}}}]"#))
}

#[track_caller]
fn assert_told(fault: Result<Event, Fault>, at: &str, reason: &str) {
    let fault = fault.expect_err(reason);
    assert_eq!(fault.pointer, format!("/sensorElementList/0{at}"));
    assert!(fault.kind.to_string().contains(reason), "{fault}");
}

#[test]
fn a_unit_must_measure_what_was_measured() {
    for (kind, right, wrong) in [
        ("Temperature", "FAH", "KGM"),
        ("gs1:Temperature", "KEL", "MTR"),
        ("https://ref.gs1.org/voc/MT-Pressure", "BAR", "CEL"),
        ("AbsoluteHumidity", "A93", "P1"),
        ("RelativeHumidity", "P1", "A93"),
        ("Speed", "KMH", "KMT"),
        ("Illuminance", "LUX", "LUM"),
        ("Mass", "LBR", "LTR"),
        ("Volume", "LTR", "KGM"),
        ("AngularVelocity", "RPM", "DD"),
    ] {
        let with = |uom: &str| report(&format!(r#""type":"{kind}","value":1,"uom":"{uom}""#));
        assert!(with(right).is_ok(), "{kind} in {right}: {:?}", with(right));
        assert_told(
            with(wrong),
            "/sensorReport/0/uom",
            &format!("{wrong} does not measure "),
        );
    }
    // What we do not know may be right.
    assert!(report(r#""type":"Temperature","value":1,"uom":"XZZ""#).is_ok());
    assert!(report(r#""type":"ex:Colour","value":1,"uom":"KGM""#).is_ok());
    assert!(report(r#""type":"Temperature","value":1"#).is_ok());
}

#[test]
fn a_type_is_a_measurement_of_gs1s_or_a_uri_of_somebody_else() {
    let at = "/sensorReport/0/type";
    assert!(report(r#""type":"ex:Humidity""#).is_ok());
    assert_told(report(r#""type":"Humidity""#), at, "neither a word");
    assert_told(
        report(r#""type":"https://gs1.org/voc/Mass""#),
        at,
        "such as Temperature",
    );
    assert_told(report(r#""value":1"#), at, "is missing");
    let kind = |text: &str| {
        let event = report(&format!(r#""type":"{text}","value":1"#)).unwrap();
        event.readings[0].kind.clone()
    };
    assert_eq!(kind("gs1:MT-Mass"), "Mass");
    assert_eq!(kind("gs1:Humidity"), "gs1:Humidity");
}

#[test]
fn each_kind_of_value_has_its_form() {
    for (right, wrong, name, reason) in [
        ("1e3", "\"1\"", "value", "a number"),
        ("-1.5", "true", "minValue", "a number"),
        ("0", "null", "maxValue", "a number"),
        ("0", "{}", "meanValue", "a number"),
        ("0", "[]", "sDev", "a number"),
        ("50", "\"50\"", "percRank", "a number"),
        ("50", "\"50\"", "percValue", "a number"),
        ("\"\"", "7", "stringValue", "a string"),
        ("false", "\"false\"", "booleanValue", "true or false"),
        ("\"f0F\"", "\"0x1\"", "hexBinaryValue", "hexadecimal digits"),
        ("\"00\"", "\"\"", "hexBinaryValue", "hexadecimal digits"),
        ("\"urn:ex:1\"", "\"one\"", "uriValue", "not a URI"),
        (
            "\"urn:ex:1\"",
            "\"WGS 84\"",
            "coordinateReferenceSystem",
            "not a URI",
        ),
        ("\"urn:ex:1\"", "\"E. coli\"", "microorganism", "not a URI"),
        ("\"urn:ex:1\"", "\"H2O\"", "chemicalSubstance", "not a URI"),
        ("\"latitude\"", "\"lat\"", "component", "neither a word"),
        (
            "\"ex:lat\"",
            "\"urn:epcglobal:cbv:x\"",
            "component",
            "such as latitude",
        ),
        (
            "\"ERROR_CONDITION\"",
            "\"ERROR\"",
            "exception",
            "neither a word",
        ),
        (
            "\"ex:broken\"",
            "\"https://www.gs1.org/voc/x\"",
            "exception",
            "such as ALARM_CONDITION",
        ),
        ("\"KGM\"", "\"kg\"", "uom", "not a unit of measure"),
        ("\"K1\"", "\"K\"", "uom", "not a unit of measure"),
        (
            "\"2024-02-29T00:00:00Z\"",
            "\"2023-02-29T00:00:00Z\"",
            "time",
            "RFC 3339",
        ),
        ("\"urn:ex:1\"", "\"t-1\"", "deviceID", "not a URI"),
        ("\"urn:ex:1\"", "\"t-1\"", "deviceMetadata", "not a URI"),
        ("\"urn:ex:1\"", "\"t-1\"", "rawData", "not a URI"),
        (
            "\"urn:ex:1\"",
            "\"t-1\"",
            "dataProcessingMethod",
            "not a URI",
        ),
        ("\"urn:ex:1\"", "\"t-1\"", "bizRules", "not a URI"),
    ] {
        let with = |value: &str| report(&format!(r#""type":"ex:any","{name}":{value}"#));
        assert!(with(right).is_ok(), "{name}: {:?}", with(right));
        assert_told(with(wrong), &format!("/sensorReport/0/{name}"), reason);
    }
    let stray = report(r#""type":"ex:any","startTime":"2026-06-05T10:20:00Z""#);
    assert_told(stray, "/sensorReport/0/startTime", "no such member");
}

#[test]
fn an_element_holds_a_report_and_an_interval_that_ends_after_it_began() {
    let metadata = |members: &str| {
        read(&format!(
            r#""sensorMetadata":{{{members}}},"sensorReport":[{{"type":"Count"}}]"#
        ))
    };
    let interval = |start: &str, end: &str| {
        metadata(&format!(
            r#""startTime":"2026-06-05T{start}","endTime":"2026-06-05T{end}""#
        ))
    };
    assert!(interval("10:00:00Z", "10:00:00Z").is_ok());
    // Later by the clock on the wall, earlier in time.
    let early = interval("10:00:00Z", "11:00:00+02:00");
    assert_told(early, "/sensorMetadata/endTime", "is before startTime");
    assert!(metadata(r#""startTime":"2026-06-05T10:00:00Z""#).is_ok());
    let late = metadata(r#""endTime":"2026-06-31T10:00:00Z""#);
    assert_told(late, "/sensorMetadata/endTime", "RFC 3339");
    assert_told(
        metadata(r#""deviceID":"t-1""#),
        "/sensorMetadata/deviceID",
        "not a URI",
    );
    assert_told(
        metadata(r#""value":1"#),
        "/sensorMetadata/value",
        "no such member",
    );
    assert_told(
        read(r#""sensorReport":[]"#),
        "/sensorReport",
        "must not be empty",
    );
    assert_told(
        read(r#""sensorMetadata":{}"#),
        "/sensorReport",
        "is missing",
    );
}
