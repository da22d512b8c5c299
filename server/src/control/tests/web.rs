use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::*;

#[test]
fn bad_requests_are_explained() {
    let server = Server::start();
    let json_type = "application/json";
    for (path, kind, body, expected) in [
        ("/api/v1/accounts", json_type, "{", (400, "json_syntax")),
        ("/api/v1/accounts", json_type, "", (400, "json_syntax")),
        (
            "/api/v1/accounts",
            json_type,
            "{\"name\":\"Ada\"}",
            (422, "json_data"),
        ),
        (
            "/api/v1/accounts",
            json_type,
            "{\"name\":1,\"password\":\"x\"}",
            (422, "json_data"),
        ),
        (
            "/api/v1/sessions",
            json_type,
            "{\"name\":\"a\",\"password\":\"b\",\"admin\":true}",
            (422, "json_data"),
        ),
        (
            "/api/v1/accounts",
            "text/plain",
            "{}",
            (415, "json_expected"),
        ),
        ("/api/v1/nothing", json_type, "{}", (404, "not_found")),
        (
            "/api/v1/status",
            json_type,
            "{}",
            (405, "method_not_allowed"),
        ),
    ] {
        let (status, code) = server.post_raw(path, kind, body).problem();
        assert_eq!((status, code.as_str()), expected, "{path} {body}");
    }
    let missing = server
        .post_raw("/api/v1/accounts", json_type, "{\"name\":\"Ada\"}")
        .json();
    assert!(
        missing["message"]
            .as_str()
            .unwrap()
            .contains("missing field `password`"),
        "{missing}"
    );
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(20_000));
    let (status, code) = server
        .post_raw("/api/v1/accounts", json_type, &large)
        .problem();
    assert_eq!((status, code.as_str()), (413, "body_too_large"));
    let deep = "[".repeat(10_000);
    assert_eq!(
        server.post_raw("/api/v1/accounts", json_type, &deep).status,
        422
    );
}

/// What is not HTTP ends its own connection and nothing else.
#[test]
fn rubbish_is_survived() {
    let server = Server::start();
    let address = server.control.address();
    let head = format!(
        "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n\r\n",
        "a: b\r\n".repeat(200)
    );
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    for bytes in [
        b"\0\xff\xfe rubbish\r\n\r\n".as_slice(),
        head.as_bytes(),
        long.as_bytes(),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        // The server may close while we are still writing.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
    assert_eq!(server.get("/healthz", None).status, 200);
}

#[test]
fn one_network_has_only_so_many_connections() {
    let server = Server::start();
    let address = server.control.address();
    let most = crate::control::http::NETWORK_CONNECTIONS_MAX;
    let open: Vec<_> = (0..most)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    eventually(|| {
        let connections = server.metrics.control().connections.value();
        (connections == most as u64).then_some(())
    });
    let mut one_more = TcpStream::connect(address).unwrap();
    assert_eq!(one_more.read(&mut [0]).unwrap_or(0), 0, "closed at once");
    drop(open);
    eventually(|| {
        let mut stream = TcpStream::connect(address).ok()?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        text.starts_with("HTTP/1.1 200").then_some(())
    });
}

#[test]
fn every_answer_has_the_security_headers() {
    let server = Server::start();
    for path in [
        "/",
        "/status",
        "/api/v1/status",
        "/api/v1/characters",
        "/nothing",
        "/healthz",
    ] {
        let answer = server.get(path, None);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        let cached = answer.header("cache-control");
        assert!(
            ["no-store", "no-cache"].contains(&cached),
            "{path}: {cached}"
        );
    }
}

/// Addresses in `href`, `src` and `action` of a page.
fn addresses(html: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for part in html.split(attribute).skip(1) {
            let address = part.split('"').next().unwrap();
            found.insert(address.to_owned());
        }
    }
    found
}

#[test]
fn pages_are_served_and_their_links_lead_somewhere() {
    let server = Server::start();
    for page in ["/", "/status"] {
        let answer = server.get(page, None);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert!(
            !answer.text.contains("style=") && !answer.text.contains("<style"),
            "the policy"
        );
        assert!(
            !answer.text.contains("onclick") && !answer.text.contains("<script>"),
            "the policy"
        );
        for address in addresses(&answer.text) {
            if let Some(id) = address.strip_prefix('#') {
                assert!(
                    answer.text.contains(&format!("id=\"{id}\"")),
                    "{page}: {address}"
                );
                continue;
            }
            assert!(address.starts_with('/'), "{page}: {address} is elsewhere");
            assert_eq!(server.get(&address, None).status, 200, "{page}: {address}");
        }
        let tag = answer.header("etag");
        let again = server.get_with(page, None, &[("if-none-match", tag)]);
        assert_eq!((again.status, again.text.len()), (304, 0));
    }
    let lost = server.get_with("/nothing", None, &[("accept", "text/html")]);
    assert_eq!(lost.status, 404);
    assert!(lost.text.contains("There is nothing at this address."));
    // Programs get a problem.
    assert_eq!(
        server.get("/nothing", None).problem(),
        (404, "not_found".to_owned())
    );
    let html = [("accept", "text/html")];
    assert_eq!(
        server.get_with("/api/v1/nothing", None, &html).problem().0,
        404
    );
}

#[test]
fn scripts_use_only_ids_that_their_page_has() {
    let server = Server::start();
    for (page, script) in [("/", "/account.js"), ("/status", "/status.js")] {
        let html = server.get(page, None).text;
        let code = server.get(script, None);
        assert_eq!(
            code.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert!(
            !code.text.contains("innerHTML"),
            "text from the server stays text"
        );
        for part in code.text.split("byId(\"").skip(1) {
            let id = part.split('"').next().unwrap();
            assert!(
                html.contains(&format!("id=\"{id}\"")),
                "{script}: {page} has no {id}"
            );
        }
    }
}

#[test]
fn every_route_is_described_and_every_description_is_routed() {
    let server = Server::start();
    let document = server.get("/api/v1/openapi.json", None).json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(
                !operation["summary"].as_str().unwrap_or("").is_empty(),
                "{what}: no summary"
            );
            assert_eq!(
                operation["tags"].as_array().unwrap().len(),
                1,
                "{what}: one tag"
            );
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().any(|status| status.starts_with('2')),
                "{what}"
            );
            for (status, response) in responses {
                let is_problem = !status.starts_with('2') && path != "/readyz";
                let problem = &response["content"]["application/problem+json"];
                let json = &response["content"]["application/json"];
                let described = problem["schema"]["$ref"]
                    .as_str()
                    .or(json["schema"]["$ref"].as_str());
                let name = described.unwrap_or("");
                assert!(
                    !is_problem || name.ends_with("/ProblemBody"),
                    "{what} {status}: {response}"
                );
            }
            if operation["security"].is_array() {
                assert!(responses.contains_key("401"), "{what}");
            }
            let path = path.replace("{grid}", "1");
            let answer = match method.as_str() {
                "get" => server.get(&path, None).status,
                "post" => server.post(&path, None, &json!({})).status,
                _ => answer(server.agent.delete(server.url(&path)).call().unwrap()).status,
            };
            assert!(
                ![404, 405].contains(&answer),
                "{what} is not routed: {answer}"
            );
            let expected = operation["responses"].get(answer.to_string());
            assert!(expected.is_some(), "{what}: {answer} is not described");
            routes.insert(what);
        }
    }
    let promised = [
        "post /api/v1/accounts",
        "post /api/v1/sessions",
        "delete /api/v1/sessions/current",
        "get /api/v1/characters",
        "post /api/v1/characters",
        "post /api/v1/game-token",
        "get /api/v1/status",
        "get /api/v1/content",
        "get /api/v1/openapi.json",
        "post /admin/v1/bots",
        "post /admin/v1/drain",
        "post /admin/v1/backup",
        "get /admin/v1/backup",
        "get /admin/v1/grids",
        "post /admin/v1/grids/{grid}/move",
        "post /admin/v1/grids/{grid}/split",
        "post /admin/v1/grids/{grid}/merge",
        "post /admin/v1/grids/{grid}/pace",
        "post /admin/v1/grids/{grid}/fault",
        "get /metrics",
        "get /healthz",
        "get /readyz",
        "get /trace.csv",
    ];
    assert_eq!(routes, promised.into_iter().map(str::to_owned).collect());
    for scheme in ["session", "operator"] {
        assert_eq!(
            document["components"]["securitySchemes"][scheme]["scheme"],
            "bearer"
        );
    }
}

#[test]
fn the_content_pack_can_be_downloaded() {
    let server = Server::start();
    let mut response = server
        .agent
        .get(server.url("/api/v1/content"))
        .call()
        .unwrap();
    let bytes = response.body_mut().read_to_vec().unwrap();
    let content = Content::from_bytes(&bytes).unwrap();
    assert_eq!(content.hash(), server.context.content.hash());
}
