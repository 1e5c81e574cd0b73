/* A scripted NVIDIA driver: the functions of libnvidia-ml.so.1 that the meter calls, answering from SCRIPT_* variables.
 *
 * Power in W of GPU i at t seconds after SCRIPT_T0: SCRIPT_POWER * (i + 1) + SCRIPT_SLOPE * t, plus SCRIPT_BURST in every
 * second half of SCRIPT_BURST_S. The counter is its exact integral, renewed every SCRIPT_TICK seconds.
 * nvmlDeviceGetUtilizationRates is left out, so that one function of the binding is not found.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <time.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, LOST = 15 };
static int sessions, handles[8], mig = 7;

static double script(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text && *text ? atof(text) : otherwise;
}

static double elapsed(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9 - script("SCRIPT_T0", 0);
}

static double power(int gpu, double t) {
    double burst = script("SCRIPT_BURST", 0), period = script("SCRIPT_BURST_S", 1);
    return script("SCRIPT_POWER", 100) * (gpu + 1) + script("SCRIPT_SLOPE", 0) * t +
           (fmod(t, period) >= period / 2 ? burst : 0);
}

static double energy(int gpu, double t) {
    double burst = script("SCRIPT_BURST", 0), period = script("SCRIPT_BURST_S", 1);
    double whole = floor(t / period), rest = t - whole * period - period / 2;
    return script("SCRIPT_POWER", 100) * (gpu + 1) * t + script("SCRIPT_SLOPE", 0) * t * t / 2 +
           burst * (whole * period / 2 + (rest > 0 ? rest : 0));
}

static int gone(void) { return elapsed() > script("SCRIPT_VANISH", 1e9); }

int script_sessions(void) { return sessions; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; sessions++; return OK; }
int nvmlShutdown(void) { sessions--; return OK; }
const char *nvmlErrorString(int code) { (void)code; return "scripted error"; }

int nvmlDeviceGetCount_v2(unsigned *count) { *count = (unsigned)script("SCRIPT_GPUS", 1); return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    if (index >= script("SCRIPT_GPUS", 1)) return INVALID;
    handles[index] = (int)index;
    *handle = &handles[index];
    return OK;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    if (strcmp(uuid, "MIG-1234")) return NOT_FOUND;
    *handle = &mig;
    return OK;
}

int nvmlDeviceGetUUID(int *gpu, char *text, unsigned size) {
    snprintf(text, size, "GPU-%c%c-uuid", 'a' + *gpu, 'a' + *gpu);
    return OK;
}

int nvmlDeviceGetTotalEnergyConsumption(int *gpu, unsigned long long *millijoules) {
    double tick = script("SCRIPT_TICK", 0.02), t = elapsed(), stop = script("SCRIPT_STALL", 1e9);
    if (gone()) return LOST;
    if (gpu == &mig || script("SCRIPT_COUNTER", 1) == 0) return NOT_SUPPORTED;
    if (t > stop) t = stop;
    *millijoules = 1000000 + (unsigned long long)(1000 * energy(*gpu, floor(t / tick) * tick));
    if (elapsed() > script("SCRIPT_BACK", 1e9)) *millijoules -= 900000;
    return OK;
}

int nvmlDeviceGetPowerUsage(int *gpu, unsigned *milliwatts) {
    if (gone()) return LOST;
    if (gpu == &mig || script("SCRIPT_SENSOR", 1) == 0) return NOT_SUPPORTED;
    *milliwatts = (unsigned)(1000 * power(*gpu, elapsed()));
    return OK;
}

int nvmlDeviceGetTemperature(int *gpu, int sensor, unsigned *celsius) { (void)gpu; (void)sensor; *celsius = 45; return OK; }
int nvmlDeviceGetClockInfo(int *gpu, int type, unsigned *mhz) { (void)gpu; (void)type; (void)mhz; return NO_PERMISSION; }
