/*
 * jsforce_auth.js - jsforce logs in, all the ways it knows, and out.
 */
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const jsforce = require(process.env.JSFORCE || 'jsforce');
const { suite, test, ok, is, like, deep, keys, rejects } = require('../lib/tap');
const { start, VERSION } = require('../lib/sfsim');

/* A JSON Web Token for the JWT bearer flow, signed with the org's key. */
function jwt(env, claims) {
	const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const text = `${part({ alg: 'RS256' })}.${part({
		iss: env.SF_CLIENT_ID,
		sub: env.SF_USERNAME,
		aud: 'https://login.salesforce.com',
		exp: Math.floor(Date.now() / 1000) + 120,
		...claims,
	})}`;
	return `${text}.${crypto.sign('RSA-SHA256', Buffer.from(text), fs.readFileSync(env.SF_JWT_KEY)).toString('base64url')}`;
}

suite(async () => {
	const sim = await start({ rows: { Account: 5, Contact: 5 } });
	const { env } = sim;
	const version = VERSION;
	const oauth2 = { loginUrl: sim.url, clientId: env.SF_CLIENT_ID, clientSecret: env.SF_CLIENT_SECRET };
	const secret = env.SF_PASSWORD + env.SF_SECURITY_TOKEN;
	let orgId;
	let userId;

	await test('SOAP login', async () => {
		const conn = new jsforce.Connection({ loginUrl: sim.url, version });
		const user = await conn.login(env.SF_USERNAME, secret);
		keys(user, 'id organizationId url', 'user info');
		like(user.id, /^005[A-Za-z0-9]{15}$/, 'user id');
		like(user.organizationId, /^00D[A-Za-z0-9]{15}$/, 'org id');
		is(conn.instanceUrl, sim.url, 'instance from serverUrl');
		like(conn.accessToken, /^00D[A-Za-z0-9]{12}!.+/, 'session id');
		orgId = user.organizationId;
		userId = user.id;
		is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'the session works');
		const session = conn.accessToken;
		await conn.logout();
		is(conn.accessToken, null, 'logged out');
		const after = new jsforce.Connection({ instanceUrl: sim.url, accessToken: session, version });
		await rejects(after.query('SELECT Id FROM Account'), { errorCode: 'INVALID_SESSION_ID' },
			'the session is over');
	});

	await test('SOAP login refused', async () => {
		const conn = new jsforce.Connection({ loginUrl: sim.url, version });
		await rejects(conn.login(env.SF_USERNAME, 'wrong'), {
			message: 'INVALID_LOGIN: Invalid username, password, security token; or user locked out.',
		}, 'wrong password');
		await rejects(conn.login('no<&>body@example.com', secret), { message: /^INVALID_LOGIN: / }, 'unknown user');
		const retired = new jsforce.Connection({ loginUrl: sim.url, version: '65.0' });
		await rejects(retired.login(env.SF_USERNAME, secret), { message: /./ }, 'no login() in 65.0');
	});

	await test('SOAP session expires', async () => {
		const conn = new jsforce.Connection({ loginUrl: sim.url, version });
		await conn.login(env.SF_USERNAME, secret);
		const first = conn.accessToken;
		await sim.control('POST', 'tokens', { expire: first });
		let refreshed = 0;
		conn.on('refresh', () => refreshed++);
		is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'the query is repeated');
		is(refreshed, 1, 'after one login');
		ok(conn.accessToken !== first, 'with another session');
	});

	await test('OAuth2 username and password', async () => {
		const conn = new jsforce.Connection({ oauth2, loginUrl: sim.url, version });
		const user = await conn.login(env.SF_USERNAME, secret);
		is(user.id, userId, 'the same user');
		is(user.organizationId, orgId, 'the same org');
		like(user.url, /\/id\/00D\w{15}\/005\w{15}$/, 'identity URL');
		is(conn.instanceUrl, sim.url, 'instance_url');
		const again = await conn.loginByOAuth2(env.SF_USERNAME, secret);
		is(again.id, userId, 'loginByOAuth2');
		await rejects(conn.login(env.SF_USERNAME, 'wrong'), { name: 'invalid_grant', message: 'authentication failure' },
			'wrong password');
		const bad = new jsforce.Connection({ oauth2: { ...oauth2, clientSecret: 'x' }, loginUrl: sim.url, version });
		await rejects(bad.login(env.SF_USERNAME, secret), { name: 'invalid_client', message: 'invalid client credentials' },
			'wrong secret');
		const none = new jsforce.Connection({ oauth2: { ...oauth2, clientId: 'x' }, loginUrl: sim.url, version });
		await rejects(none.login(env.SF_USERNAME, secret), { name: 'invalid_client_id', message: 'client identifier invalid' },
			'wrong client id');
	});

	await test('client credentials', async () => {
		const conn = new jsforce.Connection({ oauth2, loginUrl: sim.url, version });
		const user = await conn.authorize({ grant_type: 'client_credentials' });
		is(user.organizationId, orgId, 'org id');
		is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'the token works');
		const answer = await conn.oauth2.requestToken({ grant_type: 'client_credentials' });
		for (const key of ['access_token', 'signature', 'scope', 'instance_url', 'id', 'token_type', 'issued_at']) {
			is(typeof answer[key], 'string', `${key} is text`);
		}
		is(answer.token_type, 'Bearer', 'token_type');
		ok(!('refresh_token' in answer), 'no refresh token');
		ok(!('expires_in' in answer), 'no expiry');
		ok(Math.abs(Number(answer.issued_at) - Date.now()) < 3600e3, 'issued_at is in milliseconds');
	});

	await test('JWT bearer', async () => {
		const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
		const conn = new jsforce.Connection({ loginUrl: sim.url, version });
		const user = await conn.authorize({ grant_type: grant, assertion: jwt(env) });
		is(user.id, userId, 'user');
		is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'the token works');
		const answer = await conn.oauth2.requestToken({ grant_type: grant, assertion: jwt(env) });
		deep(Object.keys(answer).filter((key) => ['refresh_token', 'expires_in', 'signature', 'issued_at'].includes(key)),
			[], 'what this flow never answers');
		const refuse = async (claims, expected, name) =>
			rejects(conn.authorize({ grant_type: grant, assertion: jwt(env, claims) }), expected, name);
		await refuse({ sub: 'nobody@example.com' }, { name: 'invalid_grant', message: /user hasn't approved this consumer/ },
			'another user');
		await refuse({ exp: Math.floor(Date.now() / 1000) - 3600 }, { name: 'invalid_grant', message: /expired/ }, 'expired');
		await refuse({ aud: 'https://example.com' }, { name: 'invalid_grant', message: /audience/ }, 'audience');
		await refuse({ aud: 'login.salesforce.com.example.com' }, { name: 'invalid_grant', message: /audience/ }, 'another audience');
		await refuse({ iss: 'nobody' }, { name: 'invalid_client_id' }, 'another app');
		for (const [name, claims] of Object.entries({
			'exp in milliseconds, as sf writes it': { exp: Date.now() + 300 },
			'exp as a text, as simple-salesforce writes it': { exp: String(Math.floor(Date.now() / 1000) + 180) },
			'aud without a scheme, as restforce writes it': { aud: 'login.salesforce.com' },
			'aud with a slash, as sf writes it': { aud: `${sim.url}/` },
			'aud with the path, as force writes it': { aud: `${sim.url}/services/oauth2/token` },
		})) {
			is((await conn.authorize({ grant_type: grant, assertion: jwt(env, claims) })).id, userId, name);
		}
		await rejects(conn.authorize({ grant_type: grant, assertion: `${jwt(env).slice(0, -20)}AAAAAAAAAAAAAAAAAAAA` }),
			{ name: 'invalid_grant' }, 'a wrong signature');
	});

	await test('authorization code', async () => {
		const redirectUri = 'http://localhost:1717/OauthRedirect';
		for (const useVerifier of [false, true]) {
			const what = useVerifier ? 'with PKCE' : 'without PKCE';
			const app = new jsforce.OAuth2({ ...oauth2, redirectUri, useVerifier });
			const url = new URL(app.getAuthorizationUrl({ scope: 'api refresh_token', state: 'a b&c' }));
			const page = await sim.http('GET', url.pathname + url.search, { auth: false });
			is(page.status, 302, `the user is sent back ${what}`);
			const back = new URL(page.headers.location);
			is(back.origin + back.pathname, redirectUri, 'to the app');
			is(back.searchParams.get('state'), 'a b&c', 'with its state');
			const conn = new jsforce.Connection({ oauth2: app, version });
			const user = await conn.authorize(back.searchParams.get('code'));
			is(user.id, userId, 'the code is worth a session');
			ok(conn.refreshToken, 'and a refresh token');
			is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'the session works');
			await rejects(app.requestToken(back.searchParams.get('code')), { name: 'invalid_grant' }, 'a code works once');
			await sim.control('POST', 'tokens', { expire: conn.accessToken });
			is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'the refresh token works');
		}
	});

	await test('refresh token', async () => {
		const conn = new jsforce.Connection({
			oauth2, version, instanceUrl: sim.url, accessToken: 'nonsense', refreshToken: env.SF_REFRESH_TOKEN,
		});
		const seen = [];
		conn.on('refresh', (token, answer) => seen.push([token, answer]));
		is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'a refused token is replaced');
		is(seen.length, 1, 'one refresh');
		is(conn.accessToken, seen[0][0], 'the new token');
		like(seen[0][1].issued_at, /^\d{13}$/, 'issued_at');
		ok(!('expires_in' in seen[0][1]), 'no expiry');

		await sim.control('POST', 'tokens', { expire: conn.accessToken });
		const all = await Promise.all([1, 2, 3, 4].map(() => conn.query('SELECT COUNT() FROM Account')));
		deep(all.map((answer) => answer.totalSize), [5, 5, 5, 5], 'four requests at once with a token that is over');

		await sim.control('POST', 'tokens', { expire: conn.accessToken });
		is((await conn.bulk2.query('SELECT Id FROM Account', { pollInterval: 20, pollTimeout: 20000 })
			.then((stream) => stream.toArray())).length, 5, 'a bulk query with a token that is over');
		await sim.control('POST', 'tokens', { expire: conn.accessToken });
		is((await conn.describe('Account')).name, 'Account', 'a describe with a token that is over');

		await rejects(conn.oauth2.refreshToken('nonsense'), { name: 'invalid_grant', message: 'expired access/refresh token' },
			'a wrong refresh token');
		await rejects(new jsforce.Connection({
			oauth2, version, instanceUrl: sim.url, accessToken: 'x', refreshToken: 'y',
		}).query('SELECT Id FROM Account'), { message: /expired access\/refresh token/ }, 'no endless refreshing');
	});

	await test('access token', async () => {
		const conn = new jsforce.Connection({ instanceUrl: sim.url, accessToken: env.SF_TOKEN, version });
		is((await conn.query('SELECT COUNT() FROM Account')).totalSize, 5, 'works');
		const bad = new jsforce.Connection({ instanceUrl: sim.url, accessToken: '00Dxx!nonsense', version });
		await rejects(bad.query('SELECT Id FROM Account'),
			{ errorCode: 'INVALID_SESSION_ID', name: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }, 'refused');
	});

	await test('identity', async () => {
		const conn = new jsforce.Connection({ instanceUrl: sim.url, accessToken: env.SF_TOKEN, version });
		const who = await conn.identity();
		is(who.user_id, userId, 'user_id');
		is(who.organization_id, orgId, 'organization_id');
		is(who.username, env.SF_USERNAME, 'username');
		for (const key of ['id', 'asserted_user', 'nick_name', 'display_name', 'email', 'email_verified', 'first_name',
			'last_name', 'timezone', 'photos', 'addr_street', 'addr_city', 'addr_state', 'addr_country', 'addr_zip',
			'mobile_phone', 'mobile_phone_verified', 'is_lightning_login_user', 'status', 'urls', 'active', 'user_type',
			'language', 'locale', 'utcOffset', 'last_modified_date']) {
			ok(key in who, `has ${key}`);
		}
		is(who.asserted_user, true, 'asserted_user');
		is(who.active, true, 'active');
		is(who.user_type, 'STANDARD', 'user_type');
		like(who.urls && who.urls.rest, /\/services\/data\/v\{version\}\/$/, 'a URL is a template');
		is(conn.userInfo.id, userId, 'jsforce has understood it');
		is((await conn.identity()).user_id, userId, 'again, from the known URL');

		const info = await conn.request('/services/oauth2/userinfo');
		is(info.user_id, userId, 'userinfo');
		is(info.preferred_username, env.SF_USERNAME, 'userinfo.preferred_username');
		is(info.sub, who.id.replace(/^https?:\/\/[^/]+/, info.sub.match(/^https?:\/\/[^/]+/)[0]), 'userinfo.sub');
	});

	await test('logout by OAuth2', async () => {
		const conn = new jsforce.Connection({ oauth2, loginUrl: sim.url, version });
		await conn.login(env.SF_USERNAME, secret);
		const token = conn.accessToken;
		await conn.logout();
		const after = new jsforce.Connection({ instanceUrl: sim.url, accessToken: token, version });
		await rejects(after.query('SELECT Id FROM Account'), { errorCode: 'INVALID_SESSION_ID' }, 'the token is revoked');
	});
});
