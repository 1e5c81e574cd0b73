/* A scripted NVIDIA driver: the functions of libnvidia-ml.so.1 that the meter calls, answering from SCRIPT_* variables.
 *
 * Power in W of GPU i at t seconds after SCRIPT_T0: SCRIPT_POWER * (i + 1) + SCRIPT_SLOPE * t, plus SCRIPT_BURST in every
 * second half of SCRIPT_BURST_S. The counter is its exact integral, renewed every SCRIPT_TICK seconds; mishaps, VANISH,
 * STALL, BACK and RESET, which 0.3 s after its first refusal leaves a counter that starts anew, come with
 * script_mishap(NAME). SCRIPT_LIMIT (W), _CLOCK
 * (MHz) and _REASONS (bits) are not supported where unset. SCRIPT_NAMES are the GPUs' names, SCRIPT_PIDS run on each of them,
 * SCRIPT_HANDLE=0 refuses each.
 * SCRIPT_MODULE (W): GPU and CPU share a module, whose energy the counter holds; SCRIPT_SCOPES=0: the driver tells no power by
 * scope, SCRIPT_SCOPES=1 that of the GPU alone; SCRIPT_C2C=1: they are linked. SCRIPT_MIG_SENSOR=1: an instance answers as its
 * card. The mishap LEAP is SCRIPT_LEAP joules at once.
 * nvmlDeviceGetUtilizationRates is left out, so that one function of the binding is not found.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <time.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, TOO_SMALL = 7, LOST = 15, RESET = 16 };
static int sessions, reads, handles[8], mig = 7;
static double vanished = 1e9, stalled = 1e9, stepped = 1e9, reset = 1e9, refused = 1e9, leapt = 1e9;

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

static int gone(void) {
    double t = elapsed();
    if (t > reset && refused > 1e8) refused = t;
    return t > vanished ? LOST : t > reset && t < refused + 0.3 ? RESET : OK;
}

void script_mishap(const char *name) {
    double *mishap = !strcmp(name, "VANISH") ? &vanished : !strcmp(name, "STALL") ? &stalled : !strcmp(name, "BACK") ? &stepped : !strcmp(name, "LEAP") ? &leapt : &reset;
    *mishap = elapsed();
}

/* How often power was asked for. */
int script_reads(void) { return reads; }

static int answer(const char *name, double factor, unsigned *value) {
    if (gone()) return gone();
    if (script(name, -1) < 0) return NOT_SUPPORTED;
    *value = (unsigned)(script(name, -1) * factor);
    return OK;
}

int script_sessions(void) { return sessions; }
int nvmlInitWithFlags(unsigned flags) { (void)flags; sessions++; return OK; }
int nvmlShutdown(void) { sessions--; return OK; }
const char *nvmlErrorString(int code) { (void)code; return "scripted error"; }

int nvmlDeviceGetCount_v2(unsigned *count) { *count = (unsigned)script("SCRIPT_GPUS", 1); return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    if (index >= script("SCRIPT_GPUS", 1)) return INVALID;
    if (script("SCRIPT_HANDLE", 1) == 0) return LOST;
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

int nvmlDeviceGetName(int *gpu, char *text, unsigned size) {
    const char *names = getenv("SCRIPT_NAMES");
    for (int skip = *gpu; names && skip; skip--) names = strchr(names, ',') ? strchr(names, ',') + 1 : NULL;
    snprintf(text, size, "%.*s", names ? (int)strcspn(names, ",") : 12, names ? names : "Scripted GPU");
    return OK;
}

int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "999.1"); return OK; }
int nvmlDeviceGetComputeMode(int *gpu, int *mode) { (void)gpu; *mode = 0; return OK; }

/* Bytes of a process of the file that SCRIPT_PROCESSES names, by line "PID BYTES"; the sum over all lines for no array. */
static unsigned long long listed(unsigned *count, unsigned long long *infos, unsigned room) {
    const char *path = getenv("SCRIPT_PROCESSES");
    FILE *file = path ? fopen(path, "r") : NULL;
    unsigned long long pid, bytes, sum = 0;
    for (*count = 0; file && fscanf(file, "%llu %llu", &pid, &bytes) == 2; ++*count) {
        if (infos && *count < room) infos[3 * *count] = pid, infos[3 * *count + 1] = bytes, infos[3 * *count + 2] = 0;
        sum += bytes;
    }
    if (file) fclose(file);
    return sum;
}

int nvmlDeviceGetMemoryInfo(int *gpu, unsigned long long *total_free_used) {
    unsigned count;
    unsigned long long used = (1ULL << 30) + listed(&count, NULL, 0);
    (void)gpu;
    total_free_used[0] = 80ULL << 30, total_free_used[1] = (80ULL << 30) - used, total_free_used[2] = used;
    return OK;
}

int nvmlDeviceGetMigMode(int *gpu, unsigned *current, unsigned *pending) {
    (void)gpu;
    *current = *pending = (unsigned)script("SCRIPT_MIG", 0);
    return OK;
}

int nvmlDeviceGetEnforcedPowerLimit(int *gpu, unsigned *milliwatts) { (void)gpu; return answer("SCRIPT_LIMIT", 1000, milliwatts); }

int nvmlDeviceGetApplicationsClock(int *gpu, int type, unsigned *mhz) {
    (void)gpu;
    return type ? NOT_SUPPORTED : answer("SCRIPT_CLOCK", 1, mhz);
}

int nvmlDeviceGetCurrentClocksThrottleReasons(int *gpu, unsigned long long *bits) {
    unsigned low = 0;
    int code = answer("SCRIPT_REASONS", 1, &low);
    (void)gpu;
    *bits = low;
    return code;
}

/* nvmlProcessInfo_t: pid, padding, memory, two instance numbers. */
int nvmlDeviceGetComputeRunningProcesses_v3(int *gpu, unsigned *count, unsigned long long *infos) {
    const char *pids = getenv("SCRIPT_PIDS");
    unsigned found = 0;
    (void)gpu;
    if (getenv("SCRIPT_PROCESSES") && script("SCRIPT_HIDDEN", 0) == 0) listed(&found, infos, *count);
    for (; pids && *pids; found++) {
        if (infos && found < *count) infos[3 * found] = strtoull(pids, NULL, 10), infos[3 * found + 1] = 1 << 20, infos[3 * found + 2] = 0;
        pids = strchr(pids, ',') ? strchr(pids, ',') + 1 : NULL;
    }
    int fits = found <= *count;
    *count = found;
    return fits ? OK : TOO_SMALL;
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(int *gpu, unsigned *count, void *infos) {
    (void)gpu; (void)infos;
    *count = 0;
    return OK;
}

int nvmlDeviceGetTotalEnergyConsumption(int *gpu, unsigned long long *millijoules) {
    double tick = script("SCRIPT_TICK", 0.02), t = elapsed();
    if (gone()) return gone();
    if (gpu == &mig && script("SCRIPT_MIG_SENSOR", 0)) gpu = &handles[0];
    if (gpu == &mig || script("SCRIPT_COUNTER", 1) == 0) return NOT_SUPPORTED;
    if (t > stalled) t = stalled;
    *millijoules = 1000000 + (unsigned long long)(1000 * energy(*gpu, floor(t / tick) * tick));
    if (script("SCRIPT_MODULE", 0)) *millijoules = 1000000 + (unsigned long long)(1000 * script("SCRIPT_MODULE", 0) * floor(t / tick) * tick);
    if (elapsed() > leapt) *millijoules += (unsigned long long)(1000 * script("SCRIPT_LEAP", 20000));
    if (elapsed() > stepped) *millijoules -= 900000;
    if (t > reset) *millijoules = (unsigned long long)(1000 * (energy(*gpu, t) - energy(*gpu, reset)));
    return OK;
}

int nvmlDeviceGetPowerUsage(int *gpu, unsigned *milliwatts) {
    reads++;
    if (gone()) return gone();
    if (gpu == &mig && script("SCRIPT_MIG_SENSOR", 0)) gpu = &handles[0];
    if (gpu == &mig || script("SCRIPT_SENSOR", 1) == 0) return NOT_SUPPORTED;
    *milliwatts = (unsigned)(1000 * power(*gpu, elapsed()));
    return OK;
}

int nvmlDeviceGetC2cModeInfoV(int *gpu, unsigned *enabled) {
    (void)gpu;
    if (!script("SCRIPT_C2C", 0)) return NOT_SUPPORTED;
    *enabled = 1;
    return OK;
}

/* nvmlFieldValue_t; of the scopes, 0 is the GPU alone and 1 its module. */
typedef struct { unsigned field, scope; long long stamp, latency; int type, code; union { double d; unsigned u; unsigned long long ull; } value; } Field;

int nvmlDeviceGetFieldValues(int *gpu, int count, Field *fields) {
    for (int i = 0; i < count; i++) {
        double module = script("SCRIPT_MODULE", 0), scopes = script("SCRIPT_SCOPES", module ? 2 : 0);
        fields[i].code = fields[i].field == 186 && fields[i].scope < scopes ? OK : NOT_SUPPORTED;
        if (fields[i].code) continue;
        reads++;
        fields[i].type = 1;
        fields[i].value.u = (unsigned)(1000 * (fields[i].scope ? module : power(*gpu, elapsed())));
    }
    return OK;
}

int nvmlDeviceGetTemperature(int *gpu, int sensor, unsigned *celsius) { (void)gpu; (void)sensor; *celsius = 45; return OK; }
int nvmlDeviceGetClockInfo(int *gpu, int type, unsigned *mhz) { (void)gpu; (void)type; (void)mhz; return NO_PERMISSION; }
