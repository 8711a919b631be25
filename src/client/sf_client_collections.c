/*
 * sf_client_collections.c
 *		sObject Collections calls at the border (level 4).
 */
#include "sf_client_session.h"

#include "sf_collections.h"

static sf_status
call_step(void *call, sf_error *err)
{
	return sf_collections_cleanup_step(call, err);
}

static void
call_give_up(const void *call, sf_error *err)
{
	sf_collections_give_up(call, err);
}

static void
call_free(void *call)
{
	sf_collections_destroy(call);
}

static const sf_remains_kind call_remains = {call_step, NULL, call_give_up, call_free};

sf_collections *
sf_collections_start(sf_session *s, const sf_collections_spec *spec, sf_error *err)
{
	sf_http_set_account(s->http, spec->object);
	return sf_collections_new(s, s->http, s->config.api_version, spec, err);
}

void
sf_collections_free(sf_collections *c)
{
	sf_session *s;

	if (c == NULL)
		return;
	s = sf_collections_owner(c);
	if (!sf_collections_was_sent(c))
	{
		sf_collections_destroy(c);
		return;
	}
	sf_collections_discard(c);
	sf_session_discard(s, &call_remains, c);
}
