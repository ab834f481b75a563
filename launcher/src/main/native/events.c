/* update and events: limits and figures of a container's control groups. */
#include "cgroup.h"
#include "container.h"
#include "oci.h"

int command_update(void)
{
    oci_fail("update is not supported yet");
}

int command_events(void)
{
    oci_fail("events is not supported yet");
}
