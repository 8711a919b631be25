/*
 * look_paths.c
 *		What fields paths from an object lead to.
 *
 * One step of all paths at a time: the objects that they are at are described together.
 */
#include "look_paths.h"

/* A path has five steps at most, and the field itself (SOQL reference, relationship queries). */
#define STEPS_MAX 6

/* A path on its way. */
typedef struct Walk
{
	const char *rest; /* NULL: it has arrived, or leads nowhere */
	char *object;	  /* where rest begins */
} Walk;

static void
destroy_describe(void *object)
{
	sf_describe_free(object);
}

/* The field that a step of len bytes names, or the lookup that it follows. */
static const sf_field *
find_field(const sf_object *object, const char *step, int len, bool follows)
{
	for (int i = 0; i < object->nfields; i++)
	{
		const sf_field *field = &object->fields[i];
		const char *name = follows ? field->relationship_name : field->name;

		if (name != NULL && (int) strlen(name) == len && pg_strncasecmp(name, step, len) == 0)
			return field;
	}
	return NULL;
}

/* One step of a path through the object that it is at. */
static void
take_step(Walk *walk, const sf_object *object, SfbType *type)
{
	const char *dot = strchr(walk->rest, '.');
	int len = dot != NULL ? (int) (dot - walk->rest) : (int) strlen(walk->rest);
	const sf_field *field = find_field(object, walk->rest, len, dot != NULL);

	walk->rest = NULL;
	if (field == NULL)
		return;
	if (dot == NULL)
		*type = sfb_type_from_name(field->type);
	else if (field->nreference_to > 0)
	{
		/* of several objects the first: fields of one name are of one type, as SOQL has only one for them */
		walk->rest = dot + 1;
		walk->object = pstrdup(field->reference_to);
	}
}

/* The objects that paths are at, each once; false when there are none. */
static bool
list_objects(Walk *walks, int n, const char **names, int *count)
{
	*count = 0;
	for (int i = 0; i < n; i++)
	{
		bool listed = walks[i].rest == NULL;

		for (int j = 0; j < *count && !listed; j++)
			listed = pg_strcasecmp(names[j], walks[i].object) == 0;
		if (!listed)
			names[(*count)++] = walks[i].object;
	}
	return *count > 0;
}

/* The next object described; NULL at the end. */
static const sf_object *
next_object(SfbGuard *guard)
{
	const sf_object *object = NULL;
	sf_error error = {0};
	sf_status status;

	while ((status = sf_describe_next(guard->object, &object, &error)) == SF_WAIT)
		sfb_wait(guard->session);
	/* rows are there to be read: what an org does not tell of an object must not hide them */
	if (status == SF_FAILED && error.cls != SF_ERR_REMOTE)
		sfb_report(ERROR, &error);
	return status == SF_OK ? object : NULL;
}

void
sfb_path_types(SfbGuard *guard, const char *object, int n, const char *const *paths,
			   SfbType *types)
{
	Walk *walks = palloc0(sizeof(Walk) * (n + 1));
	const char **names = palloc(sizeof(char *) * (n + 1));
	int count;

	for (int i = 0; i < n; i++)
	{
		types[i] = SFB_TEXT;
		walks[i].rest = paths[i];
		walks[i].object = pstrdup(object);
	}
	guard->destroy = destroy_describe;
	for (int step = 0; step < STEPS_MAX && list_objects(walks, n, names, &count); step++)
	{
		const sf_object *described;
		sf_error error = {0};
		bool *before = palloc0(sizeof(bool) * (n + 1));

		guard->object = sf_describe_objects_start(guard->session, names, count, &error);
		if (guard->object == NULL)
			sfb_report(ERROR, &error);
		/* a path that has gone on is not looked at again in this round */
		while ((described = next_object(guard)) != NULL)
			for (int i = 0; i < n; i++)
				if (!before[i] && walks[i].rest != NULL &&
					pg_strcasecmp(walks[i].object, described->name) == 0)
				{
					take_step(&walks[i], described, &types[i]);
					before[i] = true;
				}
		sfb_guard_clear(guard);
		for (int i = 0; i < n; i++)
			if (!before[i])
				walks[i].rest = NULL;
	}
}
