import { createPinia, setActivePinia } from 'pinia'
import * as v from 'valibot'
import { beforeEach, describe, expect, it } from 'vitest'
import { ApiError } from '@/api/errors'
import { useForm } from './form'
import { useLocale } from './locale'

const schema = v.object({
  email: v.pipe(v.string(), v.trim(), v.nonEmpty(), v.email()),
  title: v.pipe(v.string(), v.maxLength(3)),
})

describe('useForm', () => {
  beforeEach(() => setActivePinia(createPinia()))

  it('gives the values as the schema makes them', () => {
    const { check, faults } = useForm(schema, useLocale())
    expect(check({ email: ' ada@example.org ', title: 'abc' })).toEqual({ email: 'ada@example.org', title: 'abc' })
    expect(faults.value).toEqual({})
  })

  it('puts the first fault under each field', () => {
    const { check, faults } = useForm(schema, useLocale())
    expect(check({ email: '', title: 'abcd' })).toBeNull()
    expect(faults.value).toEqual({ email: 'Fill this in.', title: 'At most 3 characters.' })
    expect(check({ email: 'ada', title: '' })).toBeNull()
    expect(faults.value).toEqual({ email: 'Enter a valid e-mail address, such as you@example.org.' })
  })

  it('takes the complaints of the server that are about its fields', () => {
    const { accept, faults } = useForm(schema, useLocale())
    const errors = [
      { name: 'title', reason: 'taken' },
      { name: 'other', reason: 'odd' },
    ]
    expect(accept(new ApiError(400, { errors }))).toBe(true)
    expect(faults.value).toEqual({ title: 'taken' })
    expect(accept(new ApiError(500, null))).toBe(false)
  })
})
