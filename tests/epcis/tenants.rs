//! One merchant's record is kept from another's by the database itself, whatever the code asks for;
//! and no role of the service may do more than its work needs.

use rootmark::query::merge;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::kit::{
    OTHER_GTIN, alter, another_merchant, count, employ_somebody, everything, product, proof,
    report_problem, stored, stored_as, strings,
};
use crate::support::document::{item_observation, observation};
use crate::support::{GTIN, TestApp, picture};

/// SQLSTATE `insufficient_privilege`: a grant or a policy forbids it.
const FORBIDDEN: &str = "42501";

/// A service with two merchants that have rows in every table; gives the second one's id.
async fn two_merchants() -> (TestApp, Uuid) {
    let app = TestApp::start().await;
    let (other_id, other) = another_merchant(&app).await;
    let answer = app
        .post_as(&other, "/api/products", product(OTHER_GTIN, "Steak"))
        .await;
    assert_eq!(answer.status(), 201);
    for (key, gtin) in [(&app.key, GTIN), (&other, OTHER_GTIN)] {
        let events = [observation(1, "L1"), item_observation(2, "S1")];
        assert_eq!(stored_as(&app, key, &events).await, 2);
        let place = format!(
            r#"{{"place":"https://id.gs1.org/414/9521041000008","name":{{"zh-CN":"厂","en":"{gtin}"}}}}"#
        );
        assert_eq!(app.post_as(key, "/api/parties", place).await.status(), 201);
        let order = format!(r#"{{"gtin":"{gtin}","lot":"L1","quantity":3,"hidden":true}}"#);
        let issued = app.post_as(key, "/api/code-ranges", order).await;
        assert_eq!(issued.status(), 201);
        let issued: serde_json::Value = issued.json().await.unwrap();
        let codes = app.http.get(app.url(issued["codes"].as_str().unwrap()));
        let codes = codes.bearer_auth(key).send().await.unwrap();
        let codes = codes.text().await.unwrap();
        let (code, _) = codes.lines().next().unwrap().split_once(',').unwrap();
        let guess = app.http.post(code.replacen("/01/", "/hidden/01/", 1));
        let guess = guess
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body("hidden=0000-0000");
        assert_eq!(guess.send().await.unwrap().status(), 400);
        let seen = app.http.post(code.replacen("/01/", "/scans/01/", 1));
        let seen = seen
            .header("Content-Type", "application/json")
            .header("User-Agent", "Mozilla/5.0 (iPhone)")
            .body(r#"{"phone":"AAAAAAAAAAAAAAAAAAAAAA=="}"#);
        assert_eq!(seen.send().await.unwrap().status(), 200);
        report_problem(&app, gtin).await;
        let tin = picture::png(120, 120, 7);
        let member = picture::member(&tin);
        assert_eq!(app.send_picture(key, "image/png", tin).await.status(), 201);
        let shown = product(gtin, "Tin").replacen('{', &format!(r#"{{"picture":{member},"#), 1);
        assert_eq!(app.post_as(key, "/api/products", shown).await.status(), 201);
        let declared = "/api/company-prefixes/9521041";
        let declared = app
            .http
            .put(app.url(declared))
            .bearer_auth(key)
            .send()
            .await;
        assert_eq!(declared.unwrap().status(), 201);
        let subscriptions = "/epcis/queries/q/subscriptions";
        for (path, body) in [
            ("/epcis/queries", r#"{"name":"q","query":{}}"#),
            (
                subscriptions,
                r#"{"dest":"https://a.example/","schedule":{"month":"1","dayOfMonth":"1"}}"#,
            ),
        ] {
            assert_eq!(app.post_as(key, path, body).await.status(), 201);
        }
    }
    for id in [app.merchant_id, other_id] {
        employ_somebody(&app, id).await;
    }
    // Of what queries read there is both: what is merged, and what waits.
    let mut conn = app.running.database.indexer.acquire().await.unwrap();
    while merge(&mut conn, Uuid::now_v7(), &[]).await.unwrap().batches > 0 {}
    drop(conn);
    for key in [&app.key, &other] {
        assert_eq!(stored_as(&app, key, &[observation(3, "L1")]).await, 1);
    }
    app.sealed().await;
    (app, other_id)
}

/// A connection in a role that acts for a merchant, or for none.
async fn acting(app: &TestApp, role: &str, merchant_id: Option<Uuid>) -> PgConnection {
    let mut conn = app.owner().await;
    conn.execute(AssertSqlSafe(format!("SET ROLE {role}")))
        .await
        .unwrap();
    if let Some(id) = merchant_id {
        let act = format!("SELECT set_config('rootmark.merchant_id', '{id}', false)");
        conn.execute(AssertSqlSafe(act)).await.unwrap();
    }
    conn
}

/// The SQLSTATE with which a statement fails, if it fails.
async fn sqlstate(conn: &mut PgConnection, statement: &str) -> Option<String> {
    let mut tx = conn.begin().await.unwrap();
    let result = tx.execute(AssertSqlSafe(statement.to_owned())).await;
    tx.rollback().await.unwrap();
    let error = result.err()?;
    let database = error
        .as_database_error()
        .unwrap_or_else(|| panic!("{error}"));
    Some(database.code().unwrap().into_owned())
}

/// Tables whose rows are a merchant's, with the column that says whose, and the roles that read
/// them for one merchant at a time. `gtin_owner` and `party_description` are the public look-ups,
/// which all may read.
async fn tenant_tables(app: &TestApp) -> Vec<(String, String, String)> {
    let query = "SELECT c.relname::text, a.attname::text, r.rolname::text
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, pg_roles r
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND (a.attname = 'merchant_id' OR (c.relname = 'merchant' AND a.attname = 'id'))
          AND c.relname NOT IN ('gtin_owner', 'party_description')
          AND r.rolname IN ('rootmark_accounts', 'rootmark_capture', 'rootmark_reader', 'rootmark_eraser')
          AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
        ORDER BY c.relname, r.rolname";
    sqlx::query_as(query)
        .fetch_all(&mut app.owner().await)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_with_a_merchant_has_forced_row_level_security() {
    let app = TestApp::start().await;
    let mut conn = app.owner().await;
    let of_merchants = "FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
          AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND (c.relname = 'merchant' OR EXISTS (
              SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'merchant_id'))";
    let all = strings(&mut conn, &format!("SELECT c.relname::text {of_merchants}")).await;
    for known in [
        "merchant",
        "api_key",
        "statement",
        "trace_index",
        "trace_index_2026",
    ] {
        assert!(
            all.iter().any(|table| table == known),
            "{known} is not among {all:?}"
        );
    }
    let open = format!(
        "SELECT c.relname::text {of_merchants}
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY c.relname"
    );
    assert_eq!(
        strings(&mut conn, &open).await,
        [""; 0],
        "without forced row-level security"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_role_of_the_service_owns_anything_or_stands_above_a_policy() {
    let app = TestApp::start().await;
    let mut conn = app.owner().await;
    let roles = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'rootmark\\_%'";
    assert_eq!(strings(&mut conn, roles).await.len(), 8);
    let strong = format!(
        "{roles} AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin
                      OR rolreplication)"
    );
    assert_eq!(strings(&mut conn, &strong).await, [""; 0]);
    let owned = "SELECT o.classid::regclass || ' ' || o.objid FROM pg_shdepend o
        JOIN pg_roles r ON r.oid = o.refobjid
        WHERE r.rolname LIKE 'rootmark\\_%' AND o.deptype = 'o'";
    assert_eq!(strings(&mut conn, owned).await, [""; 0]);
    let members = "SELECT m.member::regrole || ' in ' || m.roleid::regrole FROM pg_auth_members m
        JOIN pg_roles r ON r.oid = m.member WHERE r.rolname LIKE 'rootmark\\_%'";
    assert_eq!(strings(&mut conn, members).await, [""; 0]);
    let creators = format!("{roles} AND has_schema_privilege(oid, 'public', 'CREATE')");
    assert_eq!(strings(&mut conn, &creators).await, [""; 0]);
    let everybody = "SELECT c.relname || ' ' || p.privilege
        FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p (privilege)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND has_table_privilege('public', c.oid, p.privilege)";
    assert_eq!(strings(&mut conn, everybody).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_change_exactly_what_its_work_needs() {
    let app = TestApp::start().await;
    let mut conn = app.owner().await;
    let granted = "SELECT substr(r.rolname, 10) || ' ' || p.privilege || ': ' || string_agg(c.relname, ' ' ORDER BY c.relname)
        FROM pg_class c, pg_roles r,
             unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p (privilege)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND r.rolname LIKE 'rootmark\\_%'
          AND (has_table_privilege(r.oid, c.oid, p.privilege)
               OR (p.privilege IN ('INSERT', 'UPDATE')
                   AND has_any_column_privilege(r.oid, c.oid, p.privilege)))
        GROUP BY r.rolname, p.privilege ORDER BY 1";
    let expected = [
        "accounts DELETE: membership password_reset recovery_code session",
        "accounts INSERT: account act api_key invitation membership password_reset recovery_code sent_form session",
        "accounts UPDATE: account api_key invitation membership recovery_code session",
        "capture DELETE: company_prefix named_query picture subscription",
        "capture INSERT: api_key capture_job code_range company_prefix event_batch event_key gtin_owner hidden_try merchant named_query party_description pending_batch picture problem_case product_picture report scan statement subscription trace_index",
        "capture UPDATE: gtin_owner hidden_try problem_case report",
        "deliverer UPDATE: subscription",
        "eraser DELETE: event_term hidden_try invitation password_reset picture product_picture report sent_form session",
        "eraser INSERT: event_term pending_batch statement trace_index",
        "eraser UPDATE: event_batch event_key event_term statement",
        "indexer DELETE: event_batch",
        "indexer INSERT: event_term event_word",
        "indexer UPDATE: event_batch",
        "sealer DELETE: pending_batch",
        "sealer INSERT: code_key key_rotation log_head lost_entry seal sealed_batch tile",
        "sealer UPDATE: log_head merchant tile",
    ];
    assert_eq!(strings(&mut conn, granted).await, expected);
    let columns = |role: &str, table: &str, privilege: &str| {
        format!(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass
             AND attnum > 0 AND has_column_privilege('{role}', attrelid, attnum, '{privilege}')
             ORDER BY attnum"
        )
    };
    let erased = columns("rootmark_eraser", "statement", "UPDATE");
    let payload = ["content", "content_secret"];
    assert_eq!(strings(&mut conn, &erased).await, payload);
    for (table, derived) in [
        ("event_key", "content_sha256"),
        ("event_batch", "terms"),
        ("event_term", "postings"),
    ] {
        let erased = columns("rootmark_eraser", table, "UPDATE");
        assert_eq!(strings(&mut conn, &erased).await, [derived]);
    }
    let held = columns("rootmark_capture", "gtin_owner", "UPDATE");
    assert_eq!(strings(&mut conn, &held).await, ["claimed_at"]);
    let moved = columns("rootmark_deliverer", "subscription", "UPDATE");
    let progress = [
        "next_index",
        "min_record_time",
        "last_notified_at",
        "next_attempt_at",
        "has_reported",
        "failures",
        "last_failure",
        "tried_until",
        "tried_at",
    ];
    assert_eq!(strings(&mut conn, &moved).await, progress);
    let delivered = columns("rootmark_deliverer", "statement", "SELECT");
    let said = ["merchant_id", "batch_id", "position", "kind", "content"];
    assert_eq!(strings(&mut conn, &delivered).await, said);
    let told = columns("rootmark_capture", "subscription", "SELECT");
    let told = strings(&mut conn, &told).await;
    assert!(told.contains(&"dest".to_owned()) && !told.contains(&"sealed_token".to_owned()));
    let sealed = columns("rootmark_sealer", "statement", "SELECT");
    let order = ["merchant_id", "batch_id", "position", "digest"];
    assert_eq!(strings(&mut conn, &sealed).await, order);
    let seals = columns("rootmark_sealer", "merchant", "UPDATE");
    let keys = ["event_id_key", "sealed_event_id_key"];
    assert_eq!(strings(&mut conn, &seals).await, keys);
    let in_the_clear = columns("rootmark_sealer", "merchant", "SELECT");
    assert_eq!(
        strings(&mut conn, &in_the_clear).await,
        ["id", "event_id_key"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sealer_seals_keys_that_lie_in_the_clear_and_touches_no_others() {
    let (app, _) = two_merchants().await;
    let mut conn = acting(&app, "rootmark_sealer", None).await;
    let seal = "UPDATE merchant SET event_id_key = NULL,
        sealed_event_id_key = decode(repeat('01', 73), 'hex')";
    let sealed = conn.execute(seal).await.unwrap();
    assert_eq!(sealed.rows_affected(), 0, "both are sealed");
    for forbidden in [
        "SELECT sealed_event_id_key FROM merchant",
        "SELECT name FROM merchant",
        "UPDATE merchant SET name = 'x'",
        "DELETE FROM merchant",
    ] {
        let state = sqlstate(&mut conn, forbidden).await;
        assert_eq!(state.as_deref(), Some(FORBIDDEN), "{forbidden}");
    }
    let put_in_the_clear = "UPDATE merchant SET sealed_event_id_key = NULL,
        event_id_key = decode(repeat('02', 32), 'hex') WHERE id = ";
    alter(&app, &format!("{put_in_the_clear}'{}'", app.merchant_id)).await;
    let another = "UPDATE merchant SET event_id_key = decode(repeat('03', 32), 'hex')";
    let state = sqlstate(&mut conn, another).await;
    assert_eq!(state.as_deref(), Some(FORBIDDEN), "not in the clear again");
    let sealed = conn.execute(seal).await.unwrap();
    assert_eq!(sealed.rows_affected(), 1, "the one in the clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_can_be_changed_by_the_eraser_only_and_deleted_by_nobody() {
    let (app, _) = two_merchants().await;
    let before = everything(&app).await;
    let update = "UPDATE statement SET content = 'x'";
    for role in ["capture", "reader", "sealer", "checker", "eraser"] {
        let mut conn = acting(&app, &format!("rootmark_{role}"), Some(app.merchant_id)).await;
        for forbidden in [
            "DELETE FROM statement",
            "TRUNCATE statement",
            "UPDATE statement SET digest = digest",
            "UPDATE statement SET merchant_id = merchant_id",
            "ALTER TABLE statement DISABLE ROW LEVEL SECURITY",
            "DROP POLICY own ON statement",
            "DROP TABLE event_key",
        ] {
            assert_eq!(
                sqlstate(&mut conn, forbidden).await.as_deref(),
                Some(FORBIDDEN),
                "{role}: {forbidden}"
            );
        }
        let expected = (role != "eraser").then_some(FORBIDDEN);
        assert_eq!(
            sqlstate(&mut conn, update).await.as_deref(),
            expected,
            "{role}"
        );
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_for_a_merchant_shows_its_rows_and_no_others() {
    let (app, other_id) = two_merchants().await;
    let tables = tenant_tables(&app).await;
    assert!(tables.len() >= 14, "{tables:?}");
    for (table, column, role) in &tables {
        for (own, theirs) in [(app.merchant_id, other_id), (other_id, app.merchant_id)] {
            let mut conn = acting(&app, role, Some(own)).await;
            let rows = async |conn: &mut PgConnection, id: Uuid| -> i64 {
                let query = format!("SELECT count(*) FROM {table} WHERE {column} = '{id}'");
                sqlx::query_scalar(AssertSqlSafe(query))
                    .fetch_one(conn)
                    .await
                    .unwrap()
            };
            assert_eq!(rows(&mut conn, theirs).await, 0, "{role}: {table}");
            // Everything is sealed: nothing is pending for anybody. And nothing is past its time.
            let may_be_past = ["report", "hidden_try", "invitation", "sent_form", "session"]
                .contains(&table.as_str());
            let is_past = may_be_past && role == "rootmark_eraser";
            if table != "pending_batch" && !is_past {
                assert_ne!(rows(&mut conn, own).await, 0, "{role}: {table}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_deleted_once_they_are_past_their_time_and_not_before() {
    let (app, _) = two_merchants().await;
    let kept = "SELECT count(*) FROM report";
    let mut owner = app.owner().await;
    let mut eraser = acting(&app, "rootmark_eraser", Some(app.merchant_id)).await;
    for (kept_until, left) in [
        ("NULL", 2),
        ("now() + interval '1 day'", 2),
        ("now() - interval '1 day'", 1),
    ] {
        let change = format!(
            "UPDATE report SET kept_until = {kept_until} WHERE merchant_id = '{}'",
            app.merchant_id
        );
        owner.execute(AssertSqlSafe(change)).await.unwrap();
        eraser
            .execute("DELETE FROM report WHERE true")
            .await
            .unwrap();
        let found: i64 = sqlx::query_scalar(kept)
            .fetch_one(&mut owner)
            .await
            .unwrap();
        assert_eq!(found, left, "{kept_until}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_for_nobody_shows_nothing() {
    let (app, _) = two_merchants().await;
    for (table, _, role) in tenant_tables(&app).await {
        let mut conn = acting(&app, &role, None).await;
        for unset in [
            "RESET rootmark.merchant_id",
            "SET rootmark.merchant_id = ''",
        ] {
            conn.execute(AssertSqlSafe(unset.to_owned())).await.unwrap();
            let query = format!("SELECT count(*) FROM {table}");
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(query))
                .fetch_one(&mut conn)
                .await
                .unwrap();
            assert_eq!(rows, 0, "{role}: {table} after {unset}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_merchant_cannot_be_written() {
    let (app, other_id) = two_merchants().await;
    let before = everything(&app).await;
    let mut conn = app.owner().await;
    let insertable = strings(
        &mut conn,
        "SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace
         AND relkind IN ('r', 'p') AND has_table_privilege('rootmark_capture', oid, 'INSERT')",
    )
    .await;
    assert_eq!(insertable.len(), 20);
    // A batch is pending for a moment only: there must be one to copy.
    let pending = format!(
        "INSERT INTO pending_batch SELECT merchant_id, id, recorded_at, statement_count
         FROM sealed_batch WHERE merchant_id = '{}' LIMIT 1",
        app.merchant_id
    );
    let mut tx = conn.begin().await.unwrap();
    tx.execute(AssertSqlSafe(pending)).await.unwrap();
    for table in &insertable {
        let column = if table == "merchant" {
            "id"
        } else {
            "merchant_id"
        };
        let copy = format!(
            "CREATE TEMP TABLE copied_{table} AS
             SELECT * FROM {table} WHERE {column} = '{}' LIMIT 1;
             GRANT SELECT ON copied_{table} TO rootmark_capture",
            app.merchant_id
        );
        sqlx::raw_sql(AssertSqlSafe(copy))
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    // The copies live as long as the connection; what was pending goes with the transaction.
    tx.execute("DELETE FROM pending_batch").await.unwrap();
    tx.commit().await.unwrap();
    conn.execute("SET ROLE rootmark_capture").await.unwrap();
    for (acting_for, allowed) in [(other_id, false), (app.merchant_id, true)] {
        let act = format!("SELECT set_config('rootmark.merchant_id', '{acting_for}', false)");
        conn.execute(AssertSqlSafe(act)).await.unwrap();
        for table in &insertable {
            let insert = format!("INSERT INTO {table} SELECT * FROM copied_{table}");
            let state = sqlstate(&mut conn, &insert).await;
            if allowed {
                // Its own row is there already (unique_violation), and no policy is in the way.
                let known = table != "pending_batch";
                assert_eq!(state.as_deref(), known.then_some("23505"), "{table}");
            } else {
                assert_eq!(state.as_deref(), Some(FORBIDDEN), "{table}");
            }
        }
    }
    assert_eq!(everything(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_by_whoever_knows_it_and_by_nobody_else() {
    let (app, _) = two_merchants().await;
    let mut conn = acting(&app, "rootmark_capture", None).await;
    let keys = async |conn: &mut PgConnection, hash: &str| -> i64 {
        let present = format!("SET rootmark.key_sha256 = '{hash}'");
        conn.execute(AssertSqlSafe(present)).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM api_key")
            .fetch_one(conn)
            .await
            .unwrap()
    };
    let hash = auditlog::Hash::of(&[app.key.as_bytes()]).to_hex();
    assert_eq!(keys(&mut conn, &hash).await, 1);
    assert_eq!(keys(&mut conn, &"0".repeat(64)).await, 0);
    assert_eq!(keys(&mut conn, "").await, 0);
    // Knowing a key is not yet acting for its merchant.
    conn.execute(AssertSqlSafe(format!("SET rootmark.key_sha256 = '{hash}'")))
        .await
        .unwrap();
    for table in ["merchant", "statement", "capture_job"] {
        let query = format!("SELECT count(*) FROM {table}");
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_remembers_whom_it_acted_for() {
    let (app, _) = two_merchants().await;
    let pages = (0..8).map(|_| app.get("/01/09521041001012/10/L1"));
    futures_util::future::join_all(pages).await;
    for pool in [&app.running.database.capture, &app.running.database.reader] {
        let mut held = Vec::new();
        while held.len() < pool.size() as usize {
            held.push(pool.acquire().await.unwrap());
        }
        assert!(!held.is_empty());
        for conn in &mut held {
            let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM statement")
                .fetch_one(&mut **conn)
                .await
                .unwrap();
            assert_eq!(seen, 0);
            let role: String = sqlx::query_scalar("SELECT current_user::text")
                .fetch_one(&mut **conn)
                .await
                .unwrap();
            assert!(role.starts_with("rootmark_"), "{role}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_merchant_says_of_a_product_is_not_in_its_story() {
    let app = TestApp::start().await;
    let (_, other) = another_merchant(&app).await;
    assert_eq!(stored(&app, &[observation(1, "L1")]).await, 1);
    // The story must not grow by what another says about the very same lot.
    let path = format!("/01/{GTIN}/10/L1");
    let before = proof(&app, &path).await.statements;
    let slander = [observation(2, "L1"), item_observation(3, "S1")];
    assert_eq!(stored_as(&app, &other, &slander).await, 2);
    let after = proof(&app, &path).await.statements;
    assert_eq!(after, before);
    assert_eq!(app.get(&format!("/01/{GTIN}/21/S1")).await.status(), 404);
    assert_eq!(
        count(&app, "SELECT count(*) FROM statement WHERE kind = 'event'").await,
        3
    );
}
