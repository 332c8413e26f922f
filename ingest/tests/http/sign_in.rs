//! Signing in by a provider that says what it likes: the true one opens a session, and nothing that is forged, stale, replayed or another's does.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use vitalog_elog::Span;
use vitalog_ingest::access::oidc::Settings;
use vitalog_ingest::access::{Accounts, NewAccount, log};
use vitalog_ingest::io::{AccessLog, Patience, Provider};

use super::super::access::{Clock, accounts, roles};
use super::super::fixture::now;
use super::false_provider::{CLIENT, FalseProvider, SECRET, Says, query};
use super::{Reply, Server};

const AT: &str = "https://vitals.example";
const SUBJECT: &str = "248289761001";
const CALLBACK: &str = "/v1/session/provider/callback";

/// A server, a provider, and an account that is linked.
struct Scene {
    provider: FalseProvider,
    accounts: std::sync::Arc<Accounts>,
    server: Server,
}

fn settings(provider: &FalseProvider) -> Settings {
    let secret = Some(zeroize::Zeroizing::new(SECRET.to_owned()));
    Settings::new(provider.url(), CLIENT, secret, AT, Some("the ward")).expect("as they should be")
}

fn scene_with(log: Option<AccessLog>) -> Scene {
    let provider = FalseProvider::start(now().0 / 1_000_000);
    let accounts = accounts(&Clock::default());
    let made = accounts.change(|store| {
        store.add_account(&NewAccount::new("lee", roles("caretaker")), now())?;
        store.link("lee", provider.url(), SUBJECT, now())
    });
    made.expect("linked");
    let patience = Patience { whole: Duration::from_millis(700), answer: 64 << 10, ..Patience::default() };
    let known = Provider::new(settings(&provider), None, patience).expect("TLS");
    let server = Server::with_provider(&accounts, known, log);
    Scene { provider, accounts, server }
}

fn scene() -> Scene {
    scene_with(None)
}

/// A browser that is on its way: where it was sent, and its cookie.
struct Way {
    address: String,
    cookie: String,
}

impl Scene {
    fn begin(&self) -> Way {
        let reply = self.server.send("GET", "/v1/session/provider?next=/subjects/p-1", &[], "");
        assert_eq!(reply.status, 303, "{}", String::from_utf8_lossy(&reply.body));
        let cookie = reply.header("set-cookie");
        assert!(cookie.starts_with("vitalog_sign_in=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
        Way { address: reply.header("location").to_owned(), cookie: cookie.split(';').next().unwrap_or_default().to_owned() }
    }

    fn back(&self, way: &Way, parameters: &[(&str, &str)]) -> Reply {
        let parameters: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        self.server.send("GET", &format!("{CALLBACK}?{parameters}"), &[("cookie", &way.cookie)], "")
    }

    /// The whole way.
    fn sign_in(&self) -> Reply {
        let way = self.begin();
        let code = self.provider.authorize(&way.address);
        self.back(&way, &[("code", &code), ("state", &query(&way.address)["state"])])
    }

    /// The field at which the whole way ends, where the provider says this.
    #[track_caller]
    fn refused(&self, change: impl FnOnce(&mut Says)) -> Json {
        self.provider.say(change);
        let reply = self.sign_in();
        let problem = reply.assert_problem(502, "sign_in_refused");
        assert!(!reply.header("set-cookie").contains("vitalog_session="));
        let said = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(!said.contains(SUBJECT) && !said.contains("code-"), "{said}");
        self.provider.recover();
        problem
    }

    #[track_caller]
    fn refused_claims(&self, claims: Json, field: &str) -> Json {
        let problem = self.refused(|says| says.claims = claims.clone());
        assert_eq!(problem["field"], field, "{claims}: {problem}");
        problem
    }
}

/// The session's cookie, of an answer that has begun one.
#[track_caller]
fn session(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let page = String::from_utf8_lossy(&reply.body).into_owned();
    assert!(page.contains("content=\"0;url=/subjects/p-1\""), "{page}");
    reply
        .cookies
        .iter()
        .find_map(|c| c.starts_with("vitalog_session=").then(|| c.split(';').next()))
        .flatten()
        .expect("a session")
        .to_owned()
}

#[test]
fn who_is_linked_has_the_session_that_a_password_begins() {
    let scene = scene();
    let address = scene.begin().address;
    assert!(address.starts_with(&format!("{}/auth?of=test&", scene.provider.url())), "{address}");
    assert_eq!(query(&address)["redirect_uri"], format!("{AT}{CALLBACK}"));
    let reply = scene.sign_in();
    let all = reply.cookies.join("\n");
    assert!(all.contains("vitalog_session=") && all.contains("HttpOnly; SameSite=Strict; Secure"), "{all}");
    assert!(all.contains("vitalog_sign_in=; Path=/v1/session/provider; Max-Age=0"), "{all}");
    let cookie = session(&reply);
    let headers = [("cookie", cookie.as_str()), ("origin", AT), ("host", "vitals.example")];
    let me = scene.server.send("GET", "/v1/me", &headers, "").json();
    assert_eq!((&me["account"], &me["via"], &me["can_change_password"]), (&json!("lee"), &json!("provider"), &json!(false)));
    let out = scene.server.send("DELETE", "/v1/session", &headers, "");
    let parts = query(out.header("vitalog-sign-out"));
    assert!(out.header("vitalog-sign-out").starts_with(&format!("{}/out?", scene.provider.url())));
    assert_eq!((&*parts["client_id"], &*parts["post_logout_redirect_uri"]), (CLIENT, "https://vitals.example/login"));
    assert_eq!(scene.server.send("GET", "/v1/me", &headers, "").status, 401);
    // The way by a form is one of ours, too.
    scene.provider.say(|says| says.discovery = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}));
    scene.server.ahead.fetch_add(Span::hours(1).0, std::sync::atomic::Ordering::Relaxed);
    scene.provider.say(|says| says.claims = json!({"exp": now().0 / 1_000_000 + 3_900, "iat": now().0 / 1_000_000 + 3_600}));
    session(&scene.sign_in());
}

#[test]
fn nobody_has_an_account_for_being_known_elsewhere() {
    let scene = scene();
    scene.provider.say(|says| {
        says.claims = json!({"sub": "lee", "email": "lee@vitals.example", "email_verified": true, "preferred_username": "lee"})
    });
    scene.sign_in().assert_problem(403, "not_linked");
    scene.provider.recover();
    // The same subject of another issuer is another one.
    scene.accounts.change(|store| store.unlink("lee", scene.provider.url(), SUBJECT)).expect("there is one");
    scene.accounts.change(|store| store.link("lee", "https://other.example", SUBJECT, now())).expect("linked");
    scene.sign_in().assert_problem(403, "not_linked");
    scene.accounts.change(|store| store.link("lee", scene.provider.url(), SUBJECT, now())).expect("linked");
    let cookie = session(&scene.sign_in());
    let me = || scene.server.send("GET", "/v1/me", &[("cookie", &cookie)], "").status;
    assert_eq!(me(), 200);
    scene.accounts.change(|store| store.unlink("lee", scene.provider.url(), SUBJECT)).expect("there is one");
    assert_eq!(me(), 401, "with the link its sessions are over");
    scene.accounts.change(|store| store.link("lee", scene.provider.url(), SUBJECT, now())).expect("linked");
    scene.accounts.change(|store| store.set_disabled("lee", Some(now()))).expect("shut");
    scene.sign_in().assert_problem(403, "not_linked");
    assert_eq!(scene.accounts.registry().expect("read").accounts.len(), 1, "none has sprung up");
}

#[test]
fn a_token_of_another_issuer_audience_or_time_is_refused() {
    let scene = scene();
    let seconds = now().0 / 1_000_000;
    assert_eq!(scene.refused_claims(json!({"iss": "https://evil.example"}), "id_token.iss")["value"], "https://evil.example");
    for (audience, shown) in [
        (json!("another"), "another"),
        (json!([]), ""),
        (json!(["another", "a third"]), "another a third"),
        (json!([CLIENT, "another"]), "vitalog test another"),
    ] {
        let problem = scene.refused_claims(json!({ "aud": audience }), "id_token.aud");
        assert_eq!(problem["value"].as_str().unwrap_or(""), shown);
    }
    scene.refused_claims(json!({"aud": [CLIENT], "azp": "another"}), "id_token.azp");
    scene.refused_claims(json!({"exp": seconds - 60}), "id_token.exp");
    scene.refused_claims(json!({"exp": -1}), "id_token.exp");
    scene.refused_claims(json!({"exp": i64::MIN}), "id_token.exp");
    scene.refused_claims(json!({"iat": seconds + 61}), "id_token.iat");
    scene.refused_claims(json!({"iat": seconds - 661}), "id_token.iat");
    scene.refused_claims(json!({"nbf": seconds + 61}), "id_token.nbf");
    for claims in [
        json!({"exp": null}),
        json!({"exp": "1e99"}),
        json!({"iat": null}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"iss": null}),
        json!({"sub": 7}),
        json!({"nonce": 7}),
    ] {
        scene.refused_claims(claims, "id_token");
    }
    for subject in [String::new(), "x".repeat(256), "a\nb".to_owned()] {
        scene.refused_claims(json!({ "sub": subject }), "id_token.sub");
    }
    // What is within the bounds is taken: the skew of clocks, an audience as a list of one, fractions of a second.
    for claims in [
        json!({"exp": seconds - 59}),
        json!({"iat": seconds + 60}),
        json!({"iat": seconds - 660}),
        json!({"nbf": seconds + 60}),
        json!({"aud": [CLIENT], "azp": CLIENT}),
        json!({"exp": seconds as f64 + 10.5}),
        json!({"at_hash": null}),
    ] {
        scene.provider.say(|says| says.claims = claims.clone());
        session(&scene.sign_in());
    }
}

#[test]
fn a_token_of_another_sign_in_is_refused() {
    let scene = scene();
    scene.refused_claims(json!({"nonce": "another"}), "id_token.nonce");
    scene.refused_claims(json!({"nonce": null}), "id_token.nonce");
    scene.refused_claims(json!({"at_hash": "another"}), "id_token.at_hash");
    // A code is redeemed once, so another's is none for us.
    let way = scene.begin();
    let stolen = scene.provider.authorize(&scene.begin().address);
    let problem =
        scene.back(&way, &[("code", &stolen), ("state", &query(&way.address)["state"])]).assert_problem(502, "sign_in_refused");
    assert_eq!(
        (&problem["field"], &problem["value"]),
        (&json!("code"), &json!("invalid_grant")),
        "the provider holds the verifier against it"
    );
}

#[test]
fn a_token_that_the_provider_did_not_sign_is_refused() {
    let scene = scene();
    let field = |change: &dyn Fn(&mut Says)| scene.refused(change)["field"].clone();
    for algorithm in ["none", "None", "HS256", "HS384", "HS512", "ES256K", "RSA1_5", ""] {
        let problem = scene.refused(|says| says.header = json!({ "alg": algorithm }));
        assert_eq!(problem["field"], "id_token.alg", "{algorithm}");
    }
    // Without a signature, under any name of that; and signed with what is public.
    assert_eq!(field(&|says| (says.header, says.signature) = (json!({"alg": "none"}), Some(String::new()))), "id_token.alg");
    assert_eq!(field(&|says| says.signature = Some(String::new())), "id_token.signature");
    assert_eq!(field(&|says| says.signature = Some(URL_SAFE_NO_PAD.encode([7; 64]))), "id_token.signature");
    // Another key under the name of the true one; one that is not in the set; one of another kind; none named, where it is the only one, is taken.
    assert_eq!(field(&|says| (says.signs, says.header) = (1, json!({"kid": "k0"}))), "id_token.signature");
    assert_eq!(field(&|says| says.signs = 1), "id_token.kid");
    assert_eq!(field(&|says| says.header = json!({"kid": "k9"})), "id_token.kid");
    assert_eq!(field(&|says| says.header = json!({"alg": "RS256"})), "id_token.kid");
    assert_eq!(field(&|says| says.header = json!({"crit": ["exp"]})), "id_token.crit");
    for token in ["", "a.b", "a.b.c", "....", &"x".repeat(16 * 1024 + 1)] {
        let token = token.to_owned();
        assert_eq!(field(&move |says| says.token = Some(token.clone())), "id_token");
    }
    scene
        .provider
        .say(|says| says.header = json!({"kid": null, "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "http://evil.example"}));
    session(&scene.sign_in());
}

#[test]
fn new_keys_are_fetched_when_a_token_names_one_and_no_oftener() {
    let scene = scene();
    session(&scene.sign_in());
    session(&scene.sign_in());
    assert_eq!(scene.provider.fetched(), (1, 1), "kept");
    let later = |seconds: i64| {
        scene.server.ahead.fetch_add(seconds * 1_000_000, std::sync::atomic::Ordering::Relaxed);
    };
    later(11);
    scene.provider.say(|says| (says.told, says.signs) = (vec![1, 0], 1));
    session(&scene.sign_in());
    assert_eq!(scene.provider.fetched(), (2, 1), "the second key is new");
    scene.provider.say(|says| says.signs = 0);
    session(&scene.sign_in());
    // One that is nowhere does not have the keys fetched for each attempt.
    for _ in 0..3 {
        scene.provider.say(|says| says.signs = 2);
        scene.sign_in().assert_problem(502, "sign_in_refused");
    }
    assert_eq!(scene.provider.fetched(), (2, 1));
    later(11);
    scene.sign_in().assert_problem(502, "sign_in_refused");
    assert_eq!(scene.provider.fetched(), (3, 1));
    // A key that is taken out of the set is good for an hour at most.
    scene.provider.say(|says| (says.told, says.signs) = (vec![1], 0));
    session(&scene.sign_in());
    later(3_600);
    scene.provider.say(|says| says.claims = json!({"exp": now().0 / 1_000_000 + 4_000, "iat": now().0 / 1_000_000 + 3_622}));
    scene.sign_in().assert_problem(502, "sign_in_refused");
    scene.provider.say(|says| says.signs = 1);
    session(&scene.sign_in());
}

#[test]
fn an_answer_is_taken_once_and_by_the_browser_that_began() {
    let scene = scene();
    let way = scene.begin();
    let state = query(&way.address)["state"].clone();
    let code = scene.provider.authorize(&way.address);
    session(&scene.back(&way, &[("code", &code), ("state", &state)]));
    // The provider would take it again: that it is over is ours to see.
    let again = scene.provider.authorize(&way.address);
    let problem = scene.back(&way, &[("code", &again), ("state", &state)]).assert_problem(400, "sign_in_unusable");
    assert_eq!(problem["field"], "state");
    let unusable = |way: &Way, parameters: &[(&str, &str)], field: &str| {
        let problem = scene.back(way, parameters).assert_problem(400, "sign_in_unusable");
        assert_eq!(problem["field"], field, "{parameters:?}: {problem}");
    };
    unusable(&way, &[("code", "x"), ("state", "drawn by nobody")], "state");
    unusable(&way, &[("code", "x")], "state");
    unusable(&way, &[("code", "x"), ("state", "a"), ("state", "b")], "query");
    // Another browser is sent with somebody's answer: it would be in their account.
    let (mine, theirs) = (scene.begin(), scene.begin());
    let code = scene.provider.authorize(&theirs.address);
    unusable(&mine, &[("code", &code), ("state", &query(&theirs.address)["state"])], "state");
    unusable(
        &Way { cookie: String::new(), ..scene.begin() },
        &[("code", "x"), ("state", &query(&mine.address)["state"])],
        "state",
    );
    let late = scene.begin();
    let code = scene.provider.authorize(&late.address);
    scene.server.ahead.fetch_add(Span::minutes(10).0, std::sync::atomic::Ordering::Relaxed);
    unusable(&late, &[("code", &code), ("state", &query(&late.address)["state"])], "state");
    let without = scene.begin();
    unusable(&without, &[("state", &query(&without.address)["state"])], "code");
}

#[test]
fn the_answer_of_another_provider_is_none() {
    let scene = scene();
    let answered = |iss: Option<&str>| {
        let way = scene.begin();
        let (code, state) = (scene.provider.authorize(&way.address), query(&way.address)["state"].clone());
        let mut parameters = vec![("code", &*code), ("state", &*state)];
        parameters.extend(iss.map(|iss| ("iss", iss)));
        scene.back(&way, &parameters)
    };
    let problem = answered(Some("https://evil.example")).assert_problem(400, "sign_in_unusable");
    assert_eq!((&problem["field"], &problem["value"]), (&json!("iss"), &json!("https://evil.example")));
    session(&answered(Some(scene.provider.url())));
    session(&answered(None));
    // One that says who it is says so always.
    scene.provider.say(|says| says.discovery = json!({"authorization_response_iss_parameter_supported": true}));
    scene.server.ahead.fetch_add(Span::hours(1).0, std::sync::atomic::Ordering::Relaxed);
    let problem = answered(None).assert_problem(400, "sign_in_unusable");
    assert_eq!(problem["field"], "iss");
}

#[test]
fn a_provider_that_is_away_slow_or_says_too_much_holds_nobody_up() {
    let scene = scene();
    let begin = || scene.server.send("GET", "/v1/session/provider", &[], "");
    let later = || {
        scene.server.ahead.fetch_add(Span::seconds(3).0, std::sync::atomic::Ordering::Relaxed);
    };
    scene.provider.say(|says| says.padding = 80 << 10);
    let problem = begin().assert_problem(503, "provider_away");
    assert!(problem["detail"].as_str().is_some_and(|d| d.contains("more than 65536 bytes")), "{problem}");
    scene.provider.recover();
    let described = scene.provider.fetched().1;
    begin().assert_problem(503, "provider_away");
    assert_eq!(scene.provider.fetched().1, described, "nobody waits for what has just failed");
    later();
    scene.provider.say(|says| says.delay = Duration::from_secs(30));
    let began = std::time::Instant::now();
    let reply = begin();
    reply.assert_problem(503, "provider_away");
    assert_eq!(reply.header("retry-after"), "5");
    assert!(began.elapsed() < Duration::from_secs(10));
    scene.provider.recover();
    later();
    // It was well when it began, and is not when the code is redeemed.
    let way = scene.begin();
    let code = scene.provider.authorize(&way.address);
    scene.provider.say(|says| says.delay = Duration::from_secs(30));
    scene.back(&way, &[("code", &code), ("state", &query(&way.address)["state"])]).assert_problem(503, "provider_away");
    scene.provider.recover();
    scene.provider.say(|says| says.denies = Some((500, "<html>")));
    scene.sign_in().assert_problem(503, "provider_away");
    for (status, body, value) in [(400, "<html>", "400 Bad Request"), (401, r#"{"error":"invalid_client"}"#, "invalid_client")] {
        let problem = scene.refused(|says| says.denies = Some((status, body)));
        assert_eq!((&problem["field"], &problem["value"]), (&json!("code"), &json!(value)));
    }
    // A word of the standard is told; what else a provider says may name somebody.
    let problem = scene.refused(|says| says.denies = Some((400, r#"{"error":"lee@ward.example is locked"}"#)));
    assert!(problem["field"] == "code" && problem["value"].is_null(), "{problem}");
    assert_eq!(scene.refused(|says| says.denies = Some((200, "{}")))["field"], "id_token");
    // Nobody is sent elsewhere for keys.
    scene.provider.say(|says| says.keys_elsewhere = true);
    scene.sign_in().assert_problem(503, "provider_away");
    // Passwords and tokens are asked as ever meanwhile.
    drop(scene.provider);
    scene.server.ahead.fetch_add(Span::hours(1).0, std::sync::atomic::Ordering::Relaxed);
    scene.server.send("GET", "/v1/session/provider", &[], "").assert_problem(503, "provider_away");
    let body = r#"{"account":"lee","password":"no password at all"}"#;
    scene
        .server
        .send("POST", "/v1/session", &[("content-type", "application/json")], body)
        .assert_problem(401, "not_authenticated");
}

#[test]
fn a_provider_that_is_not_as_it_must_be_is_not_gone_to() {
    let scene = scene();
    for (change, field) in [
        (json!({"issuer": "https://evil.example"}), "discovery.issuer"),
        (json!({"token_endpoint": "http://evil.example/token"}), "discovery.token_endpoint"),
        (json!({"jwks_uri": null}), "discovery"),
        (json!({"code_challenge_methods_supported": ["plain"]}), "discovery.code_challenge_methods_supported"),
    ] {
        scene.provider.say(|says| says.discovery = change.clone());
        let problem = scene.server.send("GET", "/v1/session/provider", &[], "").assert_problem(502, "sign_in_refused");
        assert_eq!(problem["field"], field);
    }
    Server::guarded(&scene.accounts).send("GET", "/v1/session/provider", &[], "").assert_problem(404, "no_provider");
}

#[test]
fn a_browser_is_sent_back_with_a_word_and_nowhere_else() {
    let scene = scene();
    let page = [("accept", "text/html,application/xhtml+xml")];
    let to = |reply: &Reply| (reply.status, reply.header("location").to_owned());
    let reply = scene.server.send("GET", &format!("{CALLBACK}?code=secret&state=secret"), &page, "");
    assert_eq!(to(&reply), (303, "/login?sign_in=sign_in_unusable".to_owned()));
    let way = scene.begin();
    let state = query(&way.address)["state"].clone();
    let denied = format!("{CALLBACK}?error=access_denied&state={state}");
    let reply = scene.server.send("GET", &denied, &[page[0], ("cookie", &way.cookie)], "");
    assert_eq!(to(&reply), (303, "/login?sign_in=sign_in_refused".to_owned()));
    // What is no word of the standard is not told again.
    let way = scene.begin();
    let problem = scene.back(&way, &[("error", "Lee <lee@vitals.example>"), ("state", &query(&way.address)["state"])]);
    let problem = problem.assert_problem(502, "sign_in_refused");
    assert!(problem["value"].is_null() && problem["field"] == "error", "{problem}");
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "/x\"><script>", "javascript:alert(1)"] {
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let reply = scene.server.send("GET", &format!("/v1/session/provider?next={next}"), &[], "");
        let cookie = reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let way = Way { address: reply.header("location").to_owned(), cookie };
        let code = scene.provider.authorize(&way.address);
        let reply = scene.back(&way, &[("code", &code), ("state", &query(&way.address)["state"])]);
        assert!(String::from_utf8_lossy(&reply.body).contains("content=\"0;url=/\""), "{next}");
    }
}

#[test]
fn who_signs_in_by_a_provider_is_in_the_access_log_and_nothing_of_what_it_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let signer = log::Signer::open(&dir.path().join("access.key")).expect("made");
    let writer = log::Writer::open(&dir.path().join("access"), signer).expect("made");
    let clock: vitalog_ingest::io::Clock = std::sync::Arc::new(now);
    let (kept, keeper) = AccessLog::start(writer, clock).expect("begun");
    let scene = scene_with(Some(kept));
    session(&scene.sign_in());
    scene.accounts.change(|store| store.set_disabled("lee", Some(now()))).expect("shut");
    scene.sign_in().assert_problem(403, "not_linked");
    // The log ends with the server.
    drop(scene);
    keeper.join();
    let mut all = String::new();
    for entry in std::fs::read_dir(dir.path().join("access")).expect("a folder") {
        all += &String::from_utf8_lossy(&std::fs::read(entry.expect("an entry").path()).expect("read"));
    }
    for status in [200, 403] {
        let line = all.lines().find(|line| line.contains("callback") && line.contains(&status.to_string())).expect("a line");
        assert!(line.contains("lee") && line.contains("provider"), "{line}");
    }
    for secret in [SUBJECT, "code-", "state", SECRET] {
        assert!(!all.contains(secret), "{secret}");
    }
}
