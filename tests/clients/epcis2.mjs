// What a system does that speaks EPCIS 2.0 through epcis2.js: documents are made with the classes of the
// library, sent with its own capture(), their jobs polled by its own CaptureResponse, and the events read
// back into its classes. It prints one JSON object of what the library was told; epcis2.rs judges it.
//
//     KEY=… node epcis2.mjs epcis2.node.js http://127.0.0.1:8080/epcis

import { createRequire } from 'node:module';

const [library, url] = process.argv.slice(2);
const epcis2 = createRequire(import.meta.url)(library);
const authorization = `Bearer ${process.env.KEY}`;
epcis2.setup({ apiUrl: url, headers: { 'content-type': 'application/json', authorization } });

const GTIN = 'https://id.gs1.org/01/09521041001012';
const PALLET = 'https://id.gs1.org/00/095210410001000014';
const PLACE = 'https://id.gs1.org/414/9521041000008';
const CONTEXT = 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld';

/** What every event says. */
function common(event, number) {
  return event
    .setEventID(`urn:uuid:00000000-0000-4000-8000-00000000e2${number}0`)
    .setEventTime(`2026-06-0${number}T10:00:00.250+12:00`)
    .setEventTimeZoneOffset('+12:00')
    .setReadPoint(new epcis2.ReadPoint().setId(PLACE))
    .setBizLocation(new epcis2.BizLocation().setId(PLACE));
}

function quantity(lot, amount) {
  return new epcis2.QuantityElement()
    .setEpcClass(`${GTIN}/10/${lot}`)
    .setQuantity(amount)
    .setUom('KGM');
}

function transaction(type, id) {
  return new epcis2.BizTransactionElement().setType(type).setBizTransaction(id);
}

function objectEvent() {
  const report = new epcis2.SensorReportElement().setType('Temperature').setValue(-18.4).setUom('CEL');
  const sensor = new epcis2.SensorElement()
    .setSensorMetadata(new epcis2.SensorMetadata().setTime('2026-06-01T10:00:00Z'))
    .addSensorReport(report);
  return common(new epcis2.ObjectEvent(), 1)
    .setAction(epcis2.cbv.actionTypes.add)
    .setBizStep(epcis2.cbv.bizSteps.commissioning)
    .setDisposition(epcis2.cbv.dispositions.active)
    .addEPC(`${GTIN}/21/E1`)
    .addEPC(`${GTIN}/21/E2`)
    .addQuantity(quantity('EL1', 12.5))
    .addBizTransaction(transaction('po', 'https://example.org/po/1'))
    .addSensorElement(sensor)
    .setIlmd(new epcis2.Ilmd({ 'cbvmda:lotNumber': 'EL1' }))
    .addExtension('example:crew', { 'example:size': 12 });
}

function aggregationEvent() {
  return common(new epcis2.AggregationEvent(), 2)
    .setAction(epcis2.cbv.actionTypes.add)
    .setBizStep(epcis2.cbv.bizSteps.packing)
    .setParentId(PALLET)
    .addChildEPC(`${GTIN}/21/E1`)
    .addChildQuantity(quantity('EL1', 6));
}

function transactionEvent() {
  const to = new epcis2.DestinationElement()
    .setType(epcis2.cbv.sourceDestinationTypes.owning_party)
    .setDestination('https://id.gs1.org/417/9521041000008');
  return common(new epcis2.TransactionEvent(), 3)
    .setAction(epcis2.cbv.actionTypes.observe)
    .addBizTransaction(transaction('inv', 'https://example.org/inv/1'))
    .addDestination(to)
    .addEPC(PALLET);
}

function transformationEvent() {
  return common(new epcis2.TransformationEvent(), 4)
    .setTransformationID('urn:example:transformation:1')
    .addInputQuantity(quantity('EL1', 5))
    .addOutputEPC(`${GTIN}/21/E9`)
    .setPersistentDisposition(
      new epcis2.PersistentDisposition().addSet(epcis2.cbv.dispositions.completeness_verified),
    );
}

function associationEvent() {
  return common(new epcis2.AssociationEvent(), 5)
    .setAction(epcis2.cbv.actionTypes.add)
    .setParentId(PALLET)
    .addChildEPC('https://id.gs1.org/8004/9521041DEMO1');
}

function documentOf(events) {
  return new epcis2.EPCISDocument()
    .setContext([CONTEXT, { example: 'https://example.org/ns/' }])
    .setCreationDate('2026-06-06T00:00:00Z')
    .addEventList(events);
}

/** What the library says of a capture: of its job, or of an answer that names none. */
async function captured(document, options = {}) {
  const answer = await epcis2.capture(document, options);
  if (answer.status !== 202) {
    return { status: answer.status, problem: await answer.json() };
  }
  const job = new epcis2.CaptureResponse(answer);
  await job.pollForTheCaptureToFinish(5, 100);
  return {
    status: answer.status,
    running: job.getRunningStatus(),
    success: job.getSuccessStatus(),
    errors: job.getErrors(),
  };
}

/** An event as the library has it once it has read it. */
async function readBack(event) {
  const headers = { authorization, 'GS1-EPC-Format': 'Never_Translates' };
  const path = `${url}/events/${encodeURIComponent(event.getEventID())}`;
  const answer = await fetch(path, { headers });
  const document = await answer.json();
  const valid = epcis2.validateEpcisDocument(document, false);
  const [found] = document.epcisBody.queryResults.resultsBody.eventList;
  delete found.recordTime;
  return { valid, sent: event.toObject(), found: epcis2.objectToEvent(found).toObject() };
}

const events = [
  objectEvent(),
  aggregationEvent(),
  transactionEvent(),
  transformationEvent(),
  associationEvent(),
];
// The library's own check would not let a wrong document go.
const unchecked = { documentValidation: false };
const wrong = () => common(new epcis2.ObjectEvent(), 6).setAction('LOOK').addEPC(`${GTIN}/21/E1`);
const proceed = { headers: { 'GS1-Capture-Error-Behaviour': 'proceed' }, ...unchecked };

const good = await captured(documentOf(events));
console.log(JSON.stringify({
  good,
  again: await captured(documentOf(events)),
  events: await Promise.all(events.map(readBack)),
  rolledBack: await captured(documentOf([wrong()]), unchecked),
  proceeded: await captured(documentOf([wrong()]), proceed),
  ownCheck: await captured(documentOf([wrong()])).then(() => 'sent', () => 'held back'),
}));
