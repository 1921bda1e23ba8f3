//! Events that use every field of their type. Each is valid by the standard's schema too.

/// An ObjectEvent.
pub(super) const OBJECT: &str = r#"{"@context":[{"own":"https://own.example/"}],
    "type":"ObjectEvent","eventID":"ni:///sha-256;00?ver=CBV2.0","action":"ADD",
    "eventTime":"2026-06-05T10:20:00.123+12:00","eventTimeZoneOffset":"+12:00",
    "recordTime":"2026-06-05T00:00:00Z","certificationInfo":"https://c.example/1",
    "errorDeclaration":{"declarationTime":"2026-06-06T00:00:00Z","reason":"incorrect_data",
        "correctiveEventIDs":["urn:uuid:1"],"ex:by":"QA"},
    "bizStep":"commissioning","disposition":"ex:fresh",
    "persistentDisposition":{"set":["completeness_verified"],"unset":["ex:raw","unknown"]},
    "epcList":["urn:epc:id:sgtin:9521041.000101.S1","https://x.example/01/09521041001012/21/S2",
        "urn:ex:thing:7"],
    "quantityList":[{"epcClass":"urn:epc:class:lgtin:9521041.000101.L1","quantity":1.50,"uom":"KGM"},
        {"epcClass":"https://id.gs1.org/01/09521041001012"}],
    "readPoint":{"id":"https://id.gs1.org/414/9521041000008","ex:door":3},
    "bizLocation":{"id":"geo:-41.3,174.7"},
    "bizTransactionList":[{"type":"inv","bizTransaction":"https://x.example/2026/01/15/1"},
        {"bizTransaction":"urn:ex:po:1"}],
    "sourceList":[{"type":"owning_party","source":"https://id.gs1.org/417/9521041000008"}],
    "destinationList":[{"type":"ex:agent","destination":"urn:epc:id:pgln:9521041.00000"}],
    "sensorElementList":[{"sensorMetadata":{"time":"2026-06-05T00:00:00Z",
        "startTime":"2026-06-04T00:00:00Z","endTime":"2026-06-04T00:00:00Z",
        "deviceID":"urn:epc:id:giai:9521041.7","deviceMetadata":"https://d.example/m",
        "rawData":"https://d.example/r","dataProcessingMethod":"https://d.example/p",
        "bizRules":"https://d.example/b","ex:note":"n"},
      "sensorReport":[
        {"type":"Temperature","value":4.20,"uom":"CEL","time":"2026-06-05T00:00:00Z",
         "deviceID":"urn:epc:id:giai:9521041.7","deviceMetadata":"https://d.example/m",
         "rawData":"https://d.example/r","dataProcessingMethod":"https://d.example/p",
         "bizRules":"https://d.example/b","minValue":1,"maxValue":5e0,"meanValue":3,"sDev":0.1,
         "percRank":50,"percValue":4,"exception":"ALARM_CONDITION","ex:cv":1},
        {"type":"ex:Colour","stringValue":"","booleanValue":false,"hexBinaryValue":"f0F",
         "uriValue":"https://d.example/u","component":"latitude",
         "coordinateReferenceSystem":"http://www.opengis.net/def/crs/OGC/1.3/CRS84",
         "microorganism":"https://www.ncbi.nlm.nih.gov/taxonomy/1126011",
         "chemicalSubstance":"https://identifiers.org/inchikey:CZMRCDWAGMRECN-UGDNZRGBSA-N"}],
      "ex:more":{}}],
    "ilmd":{"cbvmda:lotNumber":"L1","cbvmda:itemExpirationDate":"2028-06-23","ex:x":[1,{"y":2}]},
    "ex:note":{"deep":[1.0]}}"#;

/// An AggregationEvent.
pub(super) const AGGREGATION: &str = r#"{"type":"AggregationEvent","action":"ADD",
    "eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"-11:30","bizStep":"packing",
    "parentID":"urn:epc:id:sscc:9521041.0000000001",
    "childEPCs":["urn:epc:id:sgtin:9521041.000101.S1"],
    "childQuantityList":[{"epcClass":"urn:epc:idpat:sgtin:9521041.000101.*","quantity":3}],
    "certificationInfo":["https://c.example/1"]}"#;

/// A TransactionEvent.
pub(super) const TRANSACTION: &str = r#"{"type":"TransactionEvent","action":"OBSERVE",
    "eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"+14:00",
    "bizTransactionList":[{"type":"po","bizTransaction":"urn:epc:id:gdti:9521041.00001.16"}],
    "parentID":"urn:epc:id:sscc:9521041.0000000001",
    "epcList":["urn:epc:id:sgtin:9521041.000101.S1"],
    "quantityList":[{"epcClass":"urn:epc:class:lgtin:9521041.000101.L1","quantity":2,"uom":"XZZ"}]}"#;

/// A TransformationEvent.
pub(super) const TRANSFORMATION: &str = r#"{"type":"TransformationEvent",
    "eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"+00:00",
    "transformationID":"urn:ex:t:1","inputEPCList":["urn:epc:id:sgtin:9521041.000101.S1"],
    "inputQuantityList":[{"epcClass":"urn:epc:class:lgtin:9521041.000101.L1","quantity":25}],
    "outputEPCList":["urn:epc:id:sgtin:9521041.000101.S2"],
    "outputQuantityList":[{"epcClass":"urn:epc:class:lgtin:9521041.000101.L2","quantity":20}],
    "persistentDisposition":{"unset":["completeness_inferred"]},
    "ilmd":{"https://gs1.org/voc/bestBeforeDate":{"@value":"2028-06-23"}}}"#;

/// An AssociationEvent.
pub(super) const ASSOCIATION: &str = r#"{"type":"AssociationEvent","action":"DELETE",
    "eventTime":"2026-06-05T10:20:00Z","eventTimeZoneOffset":"+01:00",
    "parentID":"urn:epc:id:grai:9521041.00001.1","childEPCs":["urn:epc:id:giai:9521041.7"],
    "childQuantityList":[{"epcClass":"urn:epc:idpat:grai:9521041.00001.*","quantity":3}]}"#;

/// One of each type.
pub(super) const ALL: [&str; 5] = [
    OBJECT,
    AGGREGATION,
    TRANSACTION,
    TRANSFORMATION,
    ASSOCIATION,
];

/// An EPCISDocument with these events.
pub(super) fn document(events: &str) -> String {
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
            {{"ex":"https://ns.example.com/epcis/"}}],
        "id":"https://d.example/1","type":"EPCISDocument","schemaVersion":"2.0",
        "creationDate":"2026-06-05T00:00:00Z","instanceIdentifier":"1","sender":"a","receiver":"b",
        "ex:x":null,
        "epcisHeader":{{"epcisMasterData":{{"vocabularyList":[{{"type":"urn:epcglobal:epcis:vtype:X",
            "vocabularyElementList":[{{"id":"urn:ex:1","attributes":[{{"id":"urn:ex:a","attribute":1}}],
            "children":["urn:ex:2"]}}]}}]}},"ex:h":1}},
        "epcisBody":{{"eventList":[{events}]}}}}"#
    )
}

/// An EPCISQueryDocument with these events.
pub(super) fn query_document(events: &str) -> String {
    format!(
        r#"{{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        "id":"https://d.example/1","type":"EPCISQueryDocument","schemaVersion":"2.0",
        "creationDate":"2026-06-05T00:00:00Z",
        "epcisBody":{{"queryResults":{{"queryName":"q","subscriptionID":"s",
            "resultsBody":{{"eventList":[{events}],
                "vocabularyList":[{{"type":"urn:epcglobal:epcis:vtype:X"}}]}}}}}}}}"#
    )
}
