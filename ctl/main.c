// SPDX-License-Identifier: Apache-2.0
// lpactl, the command line of lpad.
#include "ctl/ctl.h"

int main(int argc, char **argv)
{
    return ctl_main(argc, argv);
}
